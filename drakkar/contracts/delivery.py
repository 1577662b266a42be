"""The contract between the pipeline and delivery."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence

from drakkar.models.delivery import DeadLetter, Provenance
from drakkar.models.payload import Payload
from drakkar.models.snapshot import SinkSnapshot


class Delivery(abc.ABC):
    """Brings payloads to their sinks, or their messages to the dead letter queue."""

    @abc.abstractmethod
    def submit(
        self, payloads: Sequence[Payload], provenance: Provenance, on_done: Callable[[], None]
    ) -> None:
        """Queue payloads for their sink instances.

        `on_done()` is called exactly once, when every payload is delivered,
        dead-lettered or deliberately skipped, and never where
        `provenance.scope` was cancelled first. It must not wait. May wait itself
        while a sink's queue is full. Raises RoutingError before anything is
        queued, when one of the payloads names no usable instance.
        """

    @abc.abstractmethod
    def dead_letter(
        self, letters: Sequence[DeadLetter], provenance: Provenance, on_done: Callable[[], None]
    ) -> None:
        """Store letters in the dead letter queue; `on_done` as for `submit`.

        Never waits. While the queue can not be written it goes on trying
        (`dlq.on_send_failure = stall`), and `stalled` counts the messages.
        """

    @abc.abstractmethod
    def snapshot(self) -> list[SinkSnapshot]:
        """Return each sink instance's state; never waits."""
