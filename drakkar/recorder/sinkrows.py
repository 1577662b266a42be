"""Makes rows of what happens to payloads and dead letters; see drakkar/recorder/rows.py."""

from __future__ import annotations

from drakkar.recorder import text
from drakkar.recorder.buffer import RawEvent
from drakkar.recorder.rows import MAX_IDS, PipelineRows, Row

Place = tuple[str, int]
_Key = tuple[str, str, Place, str]  # sink type and name, partition, hook
# Payloads that are queued within such a time are one row for each sink, partition and hook.
_TOGETHER_SECONDS = 0.05


class _Queued:
    """What one row will say of payloads that were queued."""

    __slots__ = ('count', 'offsets', 'since', 'tasks')

    def __init__(self, since: float) -> None:
        self.since = since
        self.count = 0
        self.offsets: list[int] = []
        self.tasks: list[str] = []


class SinkRows(PipelineRows):
    """Rows of delivery."""

    def __init__(self, origin: str) -> None:
        super().__init__(origin)
        self._queued: dict[_Key, _Queued] = {}

    def produced(self, event: RawEvent, rows: list[Row]) -> None:
        """Collect what is queued at nearly the same time: it would be a row for each task."""
        _, ts, sink_type, sink_name, count, hook, task_id, place, offsets = event
        key = (sink_type, sink_name, place, hook)
        queued = self._queued.get(key)
        if queued is None or ts - queued.since > _TOGETHER_SECONDS:
            if queued is not None:
                self._add_queued(rows, key, queued)
            queued = self._queued[key] = _Queued(ts)
        queued.count += count
        queued.offsets.extend(offsets)
        if task_id:
            queued.tasks.append(task_id)

    def finish(self, rows: list[Row]) -> None:
        """Append the rows of what was collected."""
        for key, queued in self._queued.items():
            self._add_queued(rows, key, queued)
        self._queued.clear()

    def _add_queued(self, rows: list[Row], key: _Key, queued: _Queued) -> None:
        sink_type, sink_name, place, hook = key
        name, shown = self._named((sink_type, sink_name))
        said = f'"sink":{shown},"count":{queued.count},"hook":"{hook}"'
        tasks = list(dict.fromkeys(queued.tasks))
        task_id = text.writable(tasks[0]) if len(tasks) == 1 else None
        if len(tasks) > 1:
            said = f'{said},"tasks":{text.json(tasks[:MAX_IDS])}'
        if queued.offsets:
            offsets = sorted(set(queued.offsets))
            self._range(rows, 'produced', queued.since, place, offsets, said, None, name, task_id)
        else:
            self._plain(rows, 'produced', queued.since, f'{{{said}}}', sink=name)

    def sink_delivered(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, sink, duration, batch, origins = event
        name, shown = self._named(sink)
        for place, (offsets, counts, tasks) in origins.items():
            ids = text.json(tasks[:MAX_IDS])
            said = f'"sink":{shown},"count":{sum(counts)},"batch":{batch},"tasks":{ids}'
            if offsets:
                # One task for several payloads, or payloads of messages in any order.
                offsets = sorted(set(offsets))
                self._range(rows, 'sink_delivered', ts, place, offsets, said, duration, name)
            else:
                said = f'{{{said}}}'
                self._plain(rows, 'sink_delivered', ts, said, duration=duration, sink=name)

    def sink_error(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, sink, count, attempt, refused, action, error, hook, task_id, place, offsets = event
        name, shown = self._named(sink)
        said = (
            f'"sink":{shown},"count":{count},"attempt":{attempt},'
            f'"refused":{"true" if refused else "false"},"action":"{action}","hook":"{hook}",'
            f'"exception":{text.quoted(error)}'
        )
        if offsets:
            self._range(rows, 'sink_error', ts, place, offsets, said, None, name, task_id or None)
        else:
            self._plain(rows, 'sink_error', ts, f'{{{said}}}', sink=name)

    def dlq_sent(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, letters = event
        for place, offset, task_id, stage, sink, attempts, error, labels in letters:
            shown_place, origin, (client, request_id) = self._origin_of(place, offset)
            name, shown = self._named(sink) if sink else (None, 'null')
            said = (
                f'{{"stage":"{stage}","sink":{shown},'
                f'"attempts":{attempts},"error":{text.quoted(error)}}}'
            )
            rows.append(
                (
                    ts,
                    'dlq_sent',
                    *shown_place,
                    offset,
                    None,
                    task_id or None,
                    None,
                    None,
                    None,
                    None,
                    None,
                    name,
                    said,
                    None,
                    text.labels(labels),
                    origin,
                    client or None,
                    request_id or None,
                )
            )

    def circuit_opened(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, sink, error = event
        name, shown = self._named(sink)
        said = f'{{"sink":{shown},"error":{text.quoted(error)}}}'
        self._plain(rows, 'circuit_opened', ts, said, sink=name)

    def circuit_closed(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, sink = event
        name, shown = self._named(sink)
        self._plain(rows, 'circuit_closed', ts, f'{{"sink":{shown}}}', sink=name)
