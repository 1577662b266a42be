"""Goes on with letters that can not be stored, until the sink or the queue is back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import gevent

from drakkar.backoff import delay_seconds
from drakkar.contracts.observer import Observer
from drakkar.delivery.instance import Instance
from drakkar.delivery.mail import Mail, alive, messages_by_partition
from drakkar.delivery.settings import DeliverySettings
from drakkar.models.message import TopicPartition

# Mails in the first send of a round; halved each time that one fails, so that a
# single letter which the queue will never take ends up alone.
SEND_MAX = 128
SLICE_SECONDS = 0.5


class Outbox(Protocol):
    """What a stall needs of the dead letter queue's owner."""

    def send(self, mails: Sequence[Mail]) -> bool: ...

    def take_all(self) -> list[Mail]: ...


class Stall:
    """One stretch of time in which the dead letter queue can not be written.

    Rounds with a growing pause between them: each tries the sinks first, where
    letters come from a delivery, then the queue. A sink that fails is left alone
    for the rest of the round, so one that hangs costs one delivery timeout.
    """

    def __init__(self, outbox: Outbox, settings: DeliverySettings, observer: Observer) -> None:
        self._outbox = outbox
        self._settings = settings
        self._observer = observer
        self._told: dict[TopicPartition, int] = {}
        self._size = SEND_MAX

    def run(self, mails: list[Mail]) -> None:
        """Return when every letter is safe or of a cancelled scope.

        Letters that arrive meanwhile join in: they can not be stored either.
        """
        attempt = 1
        try:
            while mails:
                self._tell(mails)
                self._pause(attempt, mails)
                attempt += 1
                # New ones first: what failed last may be what the queue never takes.
                mails = self._outbox.take_all() + alive(mails)
                mails = self._offer_to_sinks(mails)
                mails = self._send(mails)
        finally:
            self._tell([])

    def _tell(self, mails: Sequence[Mail]) -> None:
        """Tell the observer of each partition whose number of stalled messages changed."""
        now = messages_by_partition(mails)
        for partition in self._told.keys() | now.keys():
            count = now.get(partition, 0)
            if count != self._told.get(partition, 0):
                self._observer.stalled(partition, count)
        self._told = now

    def _pause(self, attempt: int, mails: Sequence[Mail]) -> None:
        settings = self._settings
        left = delay_seconds(
            attempt, settings.dlq_backoff_seconds, settings.dlq_backoff_max_seconds
        )
        while left > 0 and alive(mails):
            gevent.sleep(min(left, SLICE_SECONDS))
            left -= SLICE_SECONDS

    def _offer_to_sinks(self, mails: Sequence[Mail]) -> list[Mail]:
        """Try the sinks again; return the mails that are still not safe, in order."""
        away: set[Instance] = set()
        left: list[Mail] = []
        for mail in mails:
            instance = mail.instance
            if instance is None or instance in away or not mail.payloads:
                left.append(mail)
                continue
            provenances = [mail.ticket.provenance] * len(mail.payloads)
            failures = instance.attempt(mail.payloads, provenances, mail.count_attempt())
            if not failures:
                mail.stored()
                continue
            if not instance.answered(mail.payloads, failures):
                away.add(instance)
            mail.keep([p for i, p in enumerate(mail.payloads) if i in failures])
            left.append(mail)
        return left

    def _send(self, mails: list[Mail]) -> list[Mail]:
        """Send until one send fails; return what is left, the failed ones last."""
        while mails:
            mails = alive(mails)
            part, rest = mails[: self._size], mails[self._size :]
            if part and not self._outbox.send(part):
                self._size = max(1, len(part) // 2)
                return rest + part
            mails = rest
        return mails
