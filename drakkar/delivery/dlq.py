"""Brings dead letters to the queue, however long that takes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

import gevent
import structlog
from gevent.event import Event

from drakkar.contracts.observer import Observer
from drakkar.contracts.source import DeadLetterQueue
from drakkar.delivery.instance import Instance, describe
from drakkar.delivery.letters import letters_for
from drakkar.delivery.mail import Mail, alive, letters_of
from drakkar.delivery.parcel import Parcel, Ticket
from drakkar.delivery.settings import DeliverySettings
from drakkar.delivery.stall import Stall
from drakkar.errors import DeadLetterError
from drakkar.greenlets import NamedGreenlet, Nursery, kill_all
from drakkar.models.delivery import DeadLetter, Provenance

log = structlog.get_logger('drakkar.dlq')

# Letters in one send.
BATCH_MAX = 200


class DeadLetters:
    """The one owner of the dead letter queue.

    Adding never waits; a greenlet sends what has gathered. What waits is bounded
    by the work in flight: each letter belongs to a message whose offset is not
    complete.
    """

    def __init__(
        self,
        queue: DeadLetterQueue,
        settings: DeliverySettings,
        observer: Observer,
        nursery: Nursery,
        worker: str = '',
    ) -> None:
        self._queue = queue
        self._settings = settings
        self._observer = observer
        self._nursery = nursery
        self._worker = worker
        self._mails: deque[Mail] = deque()
        self._some = Event()
        self._busy = False
        self._runner: NamedGreenlet | None = None

    def start(self) -> None:
        """Begin to send."""
        self._runner = self._nursery.spawn('dead-letters', self._run)

    def close(self) -> None:
        """Stop sending; what is left is dropped and nobody is told."""
        if self._runner is not None:
            kill_all([self._runner])
        self._mails.clear()
        self._busy = False

    @property
    def idle(self) -> bool:
        """Whether every letter is stored."""
        return not (self._mails or self._busy)

    def add_parcels(self, parcels: Sequence[Parcel], instance: Instance, attempts: int) -> None:
        """Queue the messages behind payloads that a sink did not take.

        All that failed of one submission goes into the same letters.
        """
        by_ticket: dict[Ticket, list[Parcel]] = {}
        for parcel in parcels:
            by_ticket.setdefault(parcel.ticket, []).append(parcel)
        for ticket, group in by_ticket.items():
            weight = sum(len(parcel.payloads) for parcel in group)
            self._add(Mail(letters_for(group, instance.ref, attempts), ticket, weight, instance))

    def add_letters(
        self,
        letters: Sequence[DeadLetter],
        provenance: Provenance,
        on_done: Callable[[], None],
    ) -> None:
        """Queue letters that did not come from a delivery."""
        ticket = Ticket(provenance, on_done, 1)
        if letters:
            self._add(Mail(letters, ticket, 1))
        else:
            ticket.settle(1)

    def _add(self, mail: Mail) -> None:
        for letter in mail.letters:
            letter.worker = letter.worker or self._worker
            letter.time = letter.time or time.time()
        self._mails.append(mail)
        self._some.set()

    def _run(self) -> None:
        while True:
            if not self._mails:
                self._some.clear()
                self._some.wait()
            self._busy = True
            mails = self.take()
            if mails and not self.send(mails):
                self._unsendable(mails)
            self._busy = False

    def take(self) -> list[Mail]:
        """Take about BATCH_MAX letters off the queue, without those of cancelled scopes."""
        taken: list[Mail] = []
        count = 0
        while self._mails and count < BATCH_MAX:
            mail = self._mails.popleft()
            if not mail.ticket.scope.cancelled:
                taken.append(mail)
                count += len(mail.letters)
        return taken

    def take_all(self) -> list[Mail]:
        """Take everything off the queue, without the mails of cancelled scopes."""
        mails = alive(self._mails)
        self._mails.clear()
        return mails

    def send(self, mails: Sequence[Mail]) -> bool:
        """Store the letters of `mails` in one send; return whether that worked."""
        letters = letters_of(mails)
        error = self._try(letters)
        if error is None:
            self._observer.dlq_sent(letters)
            for mail in mails:
                mail.stored()
            return True
        log.error('dlq_send_failed', letters=len(letters), error=describe(error))
        self._observer.dlq_failed(letters, error)
        return False

    def _try(self, letters: Sequence[DeadLetter]) -> BaseException | None:
        timeout = gevent.Timeout.start_new(self._settings.delivery_timeout_seconds or None)
        try:
            self._queue.send(letters)
        except Exception as error:
            return error
        except gevent.Timeout as error:
            return DeadLetterError(f'no answer within {error.seconds} seconds')
        finally:
            timeout.close()
        return None

    def _unsendable(self, mails: list[Mail]) -> None:
        if self._settings.on_send_failure == 'drop':
            self._drop(mails)
        else:
            Stall(self, self._settings, self._observer).run(mails)

    def _drop(self, mails: Sequence[Mail]) -> None:
        letters = letters_of(mails)
        for letter in letters:
            message = letter.message
            log.error('dlq_dropped', topic=message.topic, message=message.label, error=letter.error)
        self._observer.dlq_dropped(letters)
        for mail in mails:
            mail.stored()
