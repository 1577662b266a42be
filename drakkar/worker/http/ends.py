"""Where the payloads of a request go: to the sinks, counted, or nowhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from drakkar.contracts.delivery import Delivery
from drakkar.errors import RoutingError
from drakkar.models.delivery import DeadLetter, Provenance
from drakkar.models.http import SinkTally
from drakkar.models.payload import Payload
from drakkar.models.snapshot import SinkSnapshot


class NoDelivery(Delivery):
    """Sinks are not enabled: nothing leaves by them, and the client hears of failures."""

    def submit(
        self, payloads: Sequence[Payload], provenance: Provenance, on_done: Callable[[], None]
    ) -> None:
        on_done()

    def dead_letter(
        self, letters: Sequence[DeadLetter], provenance: Provenance, on_done: Callable[[], None]
    ) -> None:
        on_done()

    def snapshot(self) -> list[SinkSnapshot]:
        return []


class CountedDelivery(Delivery):
    """The worker's delivery; counts in `tally` what is handed to it."""

    def __init__(self, delivery: Delivery, tally: SinkTally) -> None:
        self._delivery = delivery
        self._tally = tally

    def submit(
        self, payloads: Sequence[Payload], provenance: Provenance, on_done: Callable[[], None]
    ) -> None:
        types = [payload.sink_type for payload in payloads]
        self._tally.attempted.update(types)
        try:
            self._delivery.submit(payloads, provenance, on_done)
        except RoutingError:
            # None was sent, and the request goes to the dead letter queue for it.
            self._tally.errors.update(types)
            raise

    def dead_letter(
        self, letters: Sequence[DeadLetter], provenance: Provenance, on_done: Callable[[], None]
    ) -> None:
        self._delivery.dead_letter(letters, provenance, on_done)

    def snapshot(self) -> list[SinkSnapshot]:
        return self._delivery.snapshot()
