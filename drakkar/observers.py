"""Tells several observers of one event, so that no caller ever asks who listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import structlog

from drakkar.contracts.observer import Observer

log = structlog.get_logger('drakkar.observers')

_EVENTS = [name for name in vars(Observer) if not name.startswith('_')]


def combine(observers: Sequence[Observer]) -> Observer:
    """Return one observer that tells all of `observers`, each guarded.

    Only overridden methods are called: an event nobody listens to costs one
    empty call.
    """
    combined = Observer()
    for event in _EVENTS:
        listeners = [
            getattr(observer, event)
            for observer in observers
            if getattr(type(observer), event) is not getattr(Observer, event)
        ]
        if listeners:
            setattr(combined, event, _guarded(event, listeners))
    return combined


def _guarded(event: str, listeners: Sequence[Callable[..., None]]) -> Callable[..., None]:
    def tell(*args: Any, **kwargs: Any) -> None:
        for listener in listeners:
            try:
                listener(*args, **kwargs)
            except Exception:
                log.exception('observer_failed', event_name=event, observer=repr(listener))

    return tell
