"""Dead letters on their way to the queue, with those who wait for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from drakkar.delivery.instance import Instance
from drakkar.delivery.parcel import Ticket
from drakkar.models.delivery import DeadLetter
from drakkar.models.message import TopicPartition
from drakkar.models.payload import Payload


class Mail:
    """Letters of one ticket that are stored together.

    `weight` is what the ticket settles when they are. Where they come from a
    delivery, `instance` is the sink that may still take their payloads.
    """

    __slots__ = ('instance', 'letters', 'ticket', 'weight')

    def __init__(
        self,
        letters: Sequence[DeadLetter],
        ticket: Ticket,
        weight: int,
        instance: Instance | None = None,
    ) -> None:
        self.letters = letters
        self.ticket = ticket
        self.weight = weight
        self.instance = instance

    @property
    def payloads(self) -> Sequence[Payload]:
        """What the sink did not take; the same in each of the letters."""
        return self.letters[0].payloads if self.letters else ()

    def count_attempt(self) -> int:
        """Count one more delivery of the payloads, and return its number."""
        for letter in self.letters:
            letter.attempts += 1
        return self.letters[0].attempts

    def keep(self, payloads: Sequence[Payload]) -> None:
        """Reduce to `payloads`: the sink has taken the others meanwhile."""
        taken = self.weight - len(payloads)
        if not taken:
            return
        self.weight = len(payloads)
        for letter in self.letters:
            letter.payloads = payloads
        self.ticket.settle(taken)

    def stored(self) -> None:
        """Take note that all is safe, in the queue or in the sink."""
        self.ticket.settle(self.weight)


def alive(mails: Iterable[Mail]) -> list[Mail]:
    """Return the mails whose scope is not cancelled."""
    return [mail for mail in mails if not mail.ticket.scope.cancelled]


def letters_of(mails: Iterable[Mail]) -> list[DeadLetter]:
    """Return all letters, in order."""
    return [letter for mail in mails for letter in mail.letters]


def messages_by_partition(mails: Iterable[Mail]) -> dict[TopicPartition, int]:
    """Return how many different messages of each partition the mails hold."""
    found = {
        (letter.message.topic, letter.message.partition, letter.message.offset)
        for mail in mails
        for letter in mail.letters
    }
    return dict(Counter(TopicPartition(topic, partition) for topic, partition, _ in found))
