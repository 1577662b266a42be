"""One delivery under way: requests that wait, and what became of those that were sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import gevent

import drakkar.api as dk
from drakkar_sink_http.answer import NotReachedError, UnansweredError, WholeRefusedError
from drakkar_sink_http.client import Client
from drakkar_sink_http.encode import Encoder
from drakkar_sink_http.payload import HttpPayload

# After so many requests in a row without an answer the server is taken to be away.
AWAY_AFTER = 3


@dataclass(slots=True)
class Parcel:
    """What is in one request: payloads of the batch by position, and each one's data as sent."""

    payload: HttpPayload
    indexes: list[int]
    parts: list[bytes]

    def halves(self) -> tuple[Parcel, Parcel]:
        middle = len(self.indexes) // 2
        return (
            Parcel(self.payload, self.indexes[:middle], self.parts[:middle]),
            Parcel(self.payload, self.indexes[middle:], self.parts[middle:]),
        )


class Batch:
    """Sends parcels, several at once. `failures` holds what failed, by position."""

    def __init__(self, name: str, client: Client, encoder: Encoder) -> None:
        self.failures: dict[int, BaseException] = {}
        self._name = name
        self._client = client
        self._encoder = encoder
        self._todo: deque[Parcel] = deque()
        self._sending: list[Parcel] = []
        self._unanswered = 0

    def add(self, parcels: Iterable[Parcel]) -> None:
        """Put parcels in the queue."""
        self._todo.extend(parcels)

    def run(self, concurrency: int) -> None:
        """Send everything. What a delivery timeout leaves unsent or unanswered has failed."""
        try:
            if concurrency == 1 or len(self._todo) < 2:
                self._work()
            else:
                self._work_together(concurrency)
        except gevent.Timeout as timeout:
            # What was answered so far is delivered: only the rest is for another attempt.
            late = f'no answer within {timeout.seconds} seconds'
            error = dk.TransientSinkError(late)
            for parcel in self._sending:
                self._fail(parcel, error)
            self._leave_the_rest(late)

    def _work_together(self, concurrency: int) -> None:
        workers = [gevent.Greenlet(self._work) for _ in range(min(concurrency, len(self._todo)))]
        for number, worker in enumerate(workers):
            worker.name = f'http-{self._name}-{number}'
            worker.start()
        try:
            gevent.joinall(workers, raise_error=True)
        finally:
            gevent.killall(workers)  # those that are done stay as they are

    def _work(self) -> None:
        while self._todo:
            parcel = self._todo.popleft()
            self._sending.append(parcel)
            self._send(parcel)
            self._sending.remove(parcel)  # not where this greenlet was killed

    def _send(self, parcel: Parcel) -> None:
        try:
            self._client.send(self._encoder.request(parcel.payload, parcel.parts))
        except (NotReachedError, UnansweredError) as error:
            self._fail(parcel, error)
            self._unanswered += 1
            if self._unanswered >= AWAY_AFTER:
                self._leave_the_rest(str(error))
            return
        except WholeRefusedError as error:
            if len(parcel.indexes) > 1:
                self._todo.extend(parcel.halves())
            else:
                self._fail(parcel, error)
        except Exception as error:
            self._fail(parcel, error)
        self._unanswered = 0

    def _leave_the_rest(self, reason: str) -> None:
        """Enter what no request was made of."""
        error = dk.NotWrittenError(reason)
        while self._todo:
            self._fail(self._todo.popleft(), error)

    def _fail(self, parcel: Parcel, error: BaseException) -> None:
        self.failures.update(dict.fromkeys(parcel.indexes, error))
