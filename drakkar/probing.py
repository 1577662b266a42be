"""Whether code runs for the Message Probe, which must leave no trace.

The mark follows what a hook starts: greenlets by gevent's tree of spawned
greenlets (each has a context of its own, so a ContextVar alone would be lost),
native threads by `carry`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from gevent import getcurrent

T = TypeVar('T')
Listener = Callable[[Any], None]

_KEY = 'drakkar.probe'
_own: ContextVar[Listener | None] = ContextVar('drakkar_probe', default=None)


def listener() -> Listener | None:
    """Return where annotations of this code go; None where it does not run for a probe."""
    tree = getattr(getcurrent(), 'spawn_tree_locals', None)
    return (tree.get(_KEY) if tree else None) or _own.get()


def probing() -> bool:
    """Return whether this code runs for the Message Probe.

    Hooks that write somewhere by themselves (a metric, a table) ask it and do
    not write then.
    """
    return listener() is not None


@contextmanager
def scope(annotate: Listener) -> Iterator[None]:
    """Mark what runs inside, and the greenlets it spawns, as a probe's."""
    greenlet: Any = getcurrent()
    tree = getattr(greenlet, 'spawn_tree_locals', None)
    if tree is not None:
        # A dictionary of its own: the old one is shared with the rest of the tree.
        greenlet.spawn_tree_locals = {**tree, _KEY: annotate}
    token = _own.set(annotate)
    try:
        yield
    finally:
        _own.reset(token)
        if tree is not None:
            greenlet.spawn_tree_locals = tree


def carry(fn: Callable[..., T]) -> Callable[..., T]:
    """Return `fn` as it may run in a native thread: marked there if it is marked here."""
    annotate = listener()
    if annotate is None:
        return fn

    def marked(*args: Any, **kwargs: Any) -> T:
        with scope(annotate):
            return fn(*args, **kwargs)

    return marked
