"""The contract of a sink, and the one declaration that makes a sink type known."""

from __future__ import annotations

import abc
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from marshmallow import Schema

from drakkar.models.payload import Payload


class Sink(abc.ABC):
    """One configured instance of a sink type.

    The framework calls `connect` once before the first delivery, `deliver` with
    one batch at a time (never two at once for one instance), and `close` at the
    end. Methods are plain blocking code that runs under gevent.
    """

    # Delivering the same batch twice leaves the same state as once. Where that depends on the
    # options, `__init__` sets it for the instance.
    idempotent: bool = False
    # Exceptions that mean "not reachable right now", beside TransientSinkError.
    transient_errors: ClassVar[tuple[type[BaseException], ...]] = (ConnectionError, TimeoutError)

    def __init__(self, name: str, options: Any) -> None:
        self.name = name
        self.options = options

    def connect(self) -> None:  # noqa: B027 - optional on purpose
        """Open connections. Raise anything to say that it failed; it is tried again."""

    @abc.abstractmethod
    def deliver(self, payloads: Sequence[Payload]) -> None:
        """Write all `payloads`, and return only when they are safe.

        Raises TransientSinkError (or one of `transient_errors`) where the sink
        could not be reached, NotWrittenError where moreover it certainly has none of
        them, RefusedError where it said no and applied nothing,
        PartialDeliveryError where some were written; anything else counts as a
        failure of the whole batch. May be killed by a timeout at any wait: what
        it held (a connection, a file) must then not be used again half way.
        """

    def close(self) -> None:  # noqa: B027 - optional on purpose
        """Release what `connect` opened. Called once, also after a failed connect."""


@dataclass(frozen=True)
class SinkSpec:
    """All that the framework knows of a sink type.

    `name` is the `<type>` of `[sinks.<type>.<instance>]`; `options` the schema
    of that section; `label` its name for people. `sink_class` may be an import path
    `package.module:Class`: then the module, and the driver that it needs, is imported
    only by those who configure such a sink. `complete(options, config)` may fill in
    options of an instance from other sections, once all are loaded, and raises
    ConfigError where something is missing.
    """

    name: str
    sink_class: type[Sink] | str
    payload_class: type[Payload]
    options: type[Schema]
    label: str = ''
    complete: Callable[[Any, Any], None] | None = None

    def load_class(self) -> type[Sink]:
        """Return the class, imported if need be. Raises whatever the import raises."""
        if isinstance(self.sink_class, str):
            loaded: type[Sink] = pkgutil.resolve_name(self.sink_class)
            return loaded
        return self.sink_class
