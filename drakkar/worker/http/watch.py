"""Hears of deliveries, and counts those that belong to requests."""

from __future__ import annotations

from collections.abc import Sequence

from drakkar.contracts.observer import Observer
from drakkar.models.actions import Action
from drakkar.models.delivery import DeadLetter, DeliveryFailure, Provenance, SinkRef
from drakkar.models.http import HTTP_ORIGIN, SinkTally
from drakkar.models.payload import Payload


class SinkWatch(Observer):
    """Enters what becomes of payloads in the tally of the request that they come from."""

    def __init__(self) -> None:
        self.tallies: dict[int, SinkTally] = {}

    def _tally(self, topic: str, number: int) -> SinkTally | None:
        return self.tallies.get(number) if topic == HTTP_ORIGIN else None

    def _of(self, provenance: Provenance) -> SinkTally | None:
        message = provenance.messages[0]
        return self._tally(message.topic, message.offset)

    def sink_delivered(
        self,
        sink: SinkRef,
        payloads: Sequence[Payload],
        duration: float,
        provenances: Sequence[Provenance],
    ) -> None:
        if not self.tallies:
            return
        for provenance in provenances:
            tally = self._of(provenance)
            if tally is not None:
                tally.delivered[sink.type] += 1

    def sink_error(self, failure: DeliveryFailure, action: Action, provenance: Provenance) -> None:
        tally = self._of(provenance) if self.tallies else None
        if tally is not None:
            tally.errors[failure.sink.type] += len(failure.payloads)

    def dlq_sent(self, letters: Sequence[DeadLetter]) -> None:
        if not self.tallies:
            return
        for letter in letters:
            tally = self._tally(letter.message.topic, letter.message.offset)
            if tally is not None and letter.sink is not None:
                tally.dead_lettered[letter.sink.type] += len(letter.payloads)
