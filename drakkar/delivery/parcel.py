"""What moves through delivery: the payloads of one submission, and who waits for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from drakkar.models.delivery import Provenance
from drakkar.models.payload import Payload


class Ticket:
    """One submission: calls `on_done` when all that it brought is settled.

    Nothing is called once the scope is cancelled. Work that is dropped because
    of that is simply never settled.
    """

    __slots__ = ('_on_done', '_open', 'provenance', 'scope')

    def __init__(
        self, provenance: Provenance, on_done: Callable[[], None], open_count: int
    ) -> None:
        self.provenance = provenance
        self.scope = provenance.scope
        self._on_done = on_done
        self._open = open_count

    def settle(self, count: int) -> None:
        """Take note that `count` more are delivered, dead-lettered or skipped."""
        self._open -= count
        if self._open == 0 and not self.scope.cancelled:
            self._on_done()


class Parcel:
    """Payloads of one ticket for one sink instance; `error` is why they failed, if they did."""

    __slots__ = ('error', 'payloads', 'ticket')

    def __init__(
        self, ticket: Ticket, payloads: Sequence[Payload], error: BaseException | None = None
    ) -> None:
        self.ticket = ticket
        self.payloads = payloads
        self.error = error


def flatten(parcels: Sequence[Parcel]) -> Sequence[Payload]:
    """Return the payloads of all parcels, in order."""
    if len(parcels) == 1:
        return parcels[0].payloads
    return [payload for parcel in parcels for payload in parcel.payloads]


def provenances_of(parcels: Sequence[Parcel]) -> Sequence[Provenance]:
    """Return where each payload comes from, in the order of `flatten`."""
    if len(parcels) == 1:
        return [parcels[0].ticket.provenance] * len(parcels[0].payloads)
    return [parcel.ticket.provenance for parcel in parcels for _ in parcel.payloads]


def alive(parcels: Sequence[Parcel]) -> list[Parcel]:
    """Return the parcels whose scope is not cancelled."""
    return [parcel for parcel in parcels if not parcel.ticket.scope.cancelled]


def settle_delivered(
    parcels: Sequence[Parcel], failures: Mapping[int, BaseException]
) -> list[Parcel]:
    """Settle what a batch delivered, and return what it did not.

    `failures` maps the index in the flattened batch to its exception. What failed
    comes back split by submission and exception: each message's outcome is its own.
    """
    failed: list[Parcel] = []
    start = 0
    for parcel in parcels:
        size = len(parcel.payloads)
        by_error: dict[int, tuple[BaseException, list[Payload]]] = {}
        lost = 0
        for index, payload in enumerate(parcel.payloads, start):
            error = failures.get(index)
            if error is not None:
                by_error.setdefault(id(error), (error, []))[1].append(payload)
                lost += 1
        failed += [Parcel(parcel.ticket, group, error) for error, group in by_error.values()]
        start += size
        if lost < size:
            parcel.ticket.settle(size - lost)
    return failed
