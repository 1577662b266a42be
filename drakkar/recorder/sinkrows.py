"""Makes rows of what happens to payloads and dead letters; see drakkar/recorder/rows.py."""

from __future__ import annotations

from drakkar.recorder import text
from drakkar.recorder.buffer import RawEvent
from drakkar.recorder.rows import MAX_IDS, PipelineRows, Row


class SinkRows(PipelineRows):
    """Rows of delivery."""

    def produced(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, sink, count, hook, task_id, place, offsets = event
        name, shown = self._named(sink)
        said = f'"sink":{shown},"count":{count},"hook":"{hook}"'
        if offsets:
            self._range(rows, 'produced', ts, place, offsets, said, None, name, task_id or None)
        else:
            self._plain(rows, 'produced', ts, f'{{{said}}}', sink=name)

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
            name, shown = self._named(sink) if sink else (None, 'null')
            said = (
                f'{{"stage":"{stage}","sink":{shown},'
                f'"attempts":{attempts},"error":{text.quoted(error)}}}'
            )
            rows.append(
                (
                    ts,
                    'dlq_sent',
                    *place,
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
                    self._origin,
                    None,
                    None,
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
