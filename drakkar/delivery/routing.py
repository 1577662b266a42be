"""Finds the sink instance that a payload means."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from drakkar.errors import AmbiguousSinkError, RoutingError, SinkNotConfiguredError
from drakkar.models.delivery import SinkRef
from drakkar.models.payload import Payload

Target = TypeVar('Target')


class Routes(Generic[Target]):
    """Maps the type and name on a payload to one of `targets`."""

    def __init__(self, targets: Mapping[SinkRef, Target]) -> None:
        self._targets = dict(targets)
        self._known: dict[tuple[str, str], Target] = {}

    def group(self, payloads: Sequence[Payload]) -> dict[Target, list[Payload]]:
        """Return the payloads of each target, in order. Raises RoutingError for any one."""
        groups: dict[Target, list[Payload]] = {}
        known = self._known
        for payload in payloads:
            try:
                target = known[payload.sink_type, payload.sink]
            except (KeyError, AttributeError):
                target = self._look_up(payload)
            group = groups.get(target)
            if group is None:
                groups[target] = [payload]
            else:
                group.append(payload)
        return groups

    def _look_up(self, payload: Payload) -> Target:
        if not isinstance(payload, Payload):
            raise RoutingError(f'{type(payload).__name__} is not a payload')
        kind, name = payload.sink_type, payload.sink
        target = self._resolve(type(payload).__name__, kind, name)
        self._known[kind, name] = target
        return target

    def _resolve(self, payload: str, kind: str, name: str) -> Target:
        names = [ref.name for ref in self._targets if ref.type == kind]
        if not names:
            types = sorted({ref.type for ref in self._targets})
            raise SinkNotConfiguredError(
                f'{payload} needs a sink of type {kind!r}, but there is no [sinks.{kind}.NAME]'
                f'{_hint(kind, types)}'
            )
        if not name and len(names) > 1:
            raise AmbiguousSinkError(
                f'{payload} does not say which {kind} sink it is for: '
                f'sink= must be one of {", ".join(sorted(names))}'
            )
        if name and name not in names:
            raise SinkNotConfiguredError(
                f'{payload} is for {kind} sink {name!r}, but there is no [sinks.{kind}.{name}]'
                f'{_hint(name, names)}'
            )
        return self._targets[SinkRef(kind, name or names[0])]


def _hint(wrong: str, known: Sequence[str]) -> str:
    """Return the nearest known name as a question, or the list of them."""
    near = difflib.get_close_matches(wrong, known, n=1)
    if near:
        return f'; did you mean {near[0]!r}?'
    return f'; configured: {", ".join(sorted(known)) or "none"}'
