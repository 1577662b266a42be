"""Makes rows of noted events: all that may be done later, in a native thread.

Each method takes a raw event (the method's name, the time, then what
drakkar/recorder/observer.py noted) and appends its rows, whose values are in the
order of `EventRow`. Metadata of numbers is put together by hand: it is written
for every task, and a JSON encoder would cost more than all the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from drakkar.models.http import HTTP_ORIGIN
from drakkar.recorder import text
from drakkar.recorder.buffer import RawEvent
from drakkar.recorder.tables import MAX_SPAN

Row = tuple[Any, ...]

# For each None that it binds, Python's sqlite3 looks at length for somebody to adapt it; with nine
# of them in a row that is nearly half of all the time. A NaN is bound at once, and stored as NULL:
# the rows of every task have it in place of None.
NULL = float('nan')

# So many ids are listed in a row; their number always stands beside them.
MAX_IDS = 500
# An annotation of more is kept as the beginning of its JSON.
MAX_ANNOTATION_CHARS = 65_536
_NO_TASK = (None,) * 5  # task_id to exit_code
_NOBODY = ('', '')


def spans(offsets: Sequence[int]) -> Iterator[tuple[int, int | None, str]]:
    """Yield first offset, last one (None for a single one) and the list of them as JSON.

    The list is empty where they are contiguous. Two where one would span too much.
    """
    first, last = offsets[0], offsets[-1]
    if first == last:
        yield first, None, ''
    elif last - first == len(offsets) - 1 and last - first < MAX_SPAN:
        yield first, last, ''
    else:
        yield from _uneven(sorted(set(offsets)))


def _uneven(offsets: list[int]) -> Iterator[tuple[int, int | None, str]]:
    start = 0
    for end in range(1, len(offsets) + 1):
        if end < len(offsets) and offsets[end] - offsets[start] < MAX_SPAN:
            continue
        part = offsets[start:end]
        first, last = part[0], part[-1]
        listed = '' if last - first == len(part) - 1 else f'[{",".join(map(str, part))}]'
        yield first, last if last != first else None, listed
        start = end


class PipelineRows:
    """Rows of the source, of windows, of delivery and of the worker itself.

    `origin` is the name of the source, `kafka` for example.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._sinks: dict[tuple[str, str], tuple[str, str]] = {}
        # Client and id of the last HTTP requests, by the numbers that stand for their offsets.
        self._requests: dict[int, tuple[str, str]] = {}

    def _origin_of(
        self, place: tuple[str, int], offset: int
    ) -> tuple[tuple[str | None, int | None], str, tuple[str, str]]:
        """Return topic and partition as they are shown, the origin, and client and request."""
        if place[1] >= 0:
            return place, self._origin, _NOBODY
        return (None, None), HTTP_ORIGIN, self._requests.get(offset, _NOBODY)

    def _named(self, sink: tuple[str, str]) -> tuple[str, str]:
        """Return the name of a sink instance (its type and name), and the same as JSON."""
        names = self._sinks.get(sink)
        if names is None:
            name = '.'.join(sink)
            names = self._sinks[sink] = (name, text.json(name))
        return names

    def _range(
        self,
        rows: list[Row],
        event: str,
        ts: float,
        place: tuple[str, int],
        offsets: Sequence[int],
        metadata: str,
        duration: float | None = None,
        sink: str | None = None,
        task_id: str | None = None,
    ) -> None:
        """Append a row for these offsets of one partition; `metadata` is JSON without braces."""
        (topic, partition), origin, (client, request_id) = self._origin_of(place, offsets[0])
        for first, last, listed in spans(offsets):
            more = f'{{{metadata},"offsets":{listed}}}' if listed else f'{{{metadata}}}'
            rows.append(
                (
                    ts,
                    event,
                    topic,
                    partition,
                    first,
                    last,
                    task_id,
                    None,
                    None,
                    None,
                    None,
                    duration,
                    sink,
                    more,
                    None,
                    None,
                    origin,
                    client or None,
                    request_id or None,
                )
            )

    def _plain(
        self,
        rows: list[Row],
        event: str,
        ts: float,
        metadata: str | None,
        *,
        topic: str | None = None,
        partition: int | None = None,
        offset: int | None = None,
        duration: float | None = None,
        sink: str | None = None,
        origin: str = '',
        who: tuple[str, str] = _NOBODY,
    ) -> None:
        client, request_id = who
        rows.append(
            (
                ts,
                event,
                topic,
                partition,
                offset,
                None,
                *_NO_TASK,
                duration,
                sink,
                metadata,
                None,
                None,
                origin or self._origin,
                client or None,
                request_id or None,
            )
        )

    # Source and partitions

    def consumed(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, place, offsets = event
        self._range(rows, 'consumed', ts, place, offsets, f'"count":{len(offsets)}')

    def assigned(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, partitions = event
        for topic, partition in partitions:
            self._plain(rows, 'assigned', ts, None, topic=topic, partition=partition)

    def revoked(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, partitions, lost = event
        said = '{"lost":true}' if lost else '{"lost":false}'
        for topic, partition in partitions:
            self._plain(rows, 'revoked', ts, said, topic=topic, partition=partition)

    def committed(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, offsets = event
        for (topic, partition), offset in offsets.items():
            place = {'topic': topic, 'partition': partition, 'offset': offset}
            self._plain(rows, 'committed', ts, None, **place)

    def backpressure(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, active, total = event
        name = 'backpressure_on' if active else 'backpressure_off'
        self._plain(rows, name, ts, f'{{"total_queued":{total}}}')

    def parse_failed(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, (topic, partition), offset, error = event
        said = f'{{"error":{text.quoted(error)}}}'
        place = {'topic': topic, 'partition': partition, 'offset': offset}
        self._plain(rows, 'parse_failed', ts, said, **place)

    # Windows and messages

    def arranged(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, place, offsets, tasks, count, duration = event
        said = f'"count":{len(offsets)},"task_count":{count},"tasks":{text.json(tasks)}'
        self._range(rows, 'arranged', ts, place, offsets, said, duration)

    def message_complete(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, topic, partition, offset, seconds, tasks, succeeded, failed, replaced, *more = event
        payloads, origin, client, request_id = more
        is_message = partition >= 0
        # A replaced task does not count: those in its place do.
        said = (
            f'{{"tasks_total":{tasks - replaced},"succeeded":{succeeded},"failed":{failed},'
            f'"replaced":{replaced},"payloads":{payloads}}}'
        )
        rows.append(
            (
                ts,
                'message_complete',
                topic if is_message else NULL,
                partition if is_message else NULL,
                offset,
                NULL,
                NULL,
                NULL,
                NULL,
                NULL,
                NULL,
                max(0.0, seconds),
                NULL,
                said,
                NULL,
                NULL,
                origin or self._origin,
                client or NULL,
                request_id or NULL,
            )
        )

    def window_complete(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, place, offsets, payloads, duration = event
        said = f'"count":{len(offsets)},"payloads":{payloads}'
        self._range(rows, 'window_complete', ts, place, offsets, said, duration)

    # Worker

    def periodic_run(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, name, duration, error = event
        said = f'{{"name":{text.quoted(name)},"error":{text.quoted(error)}}}'
        self._plain(rows, 'periodic_run', ts, said, duration=duration)

    def runtime_stall(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, duration, where = event
        said = f'{{"where":{text.quoted(where)}}}'
        self._plain(rows, 'runtime_stall', ts, said, duration=duration)

    def annotation(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, payload = event
        said = f'"payload":{payload}'
        if len(payload) > MAX_ANNOTATION_CHARS:
            said = f'"payload":{text.json(payload[:MAX_ANNOTATION_CHARS])},"truncated":true'
        self._plain(rows, 'annotation', ts, f'{{{said}}}')
