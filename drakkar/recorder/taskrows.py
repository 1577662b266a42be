"""Makes rows of the runs of tasks; see drakkar/recorder/rows.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drakkar.models.task import ExecutorTask
from drakkar.recorder import text
from drakkar.recorder.buffer import RawEvent
from drakkar.recorder.httprows import HttpRows
from drakkar.recorder.rows import NULL, Row
from drakkar.recorder.tables import MAX_SPAN
from drakkar.recorder.thread import give_way

_TASKS_REMEMBERED = 5000
# To mask so much of an output takes a tenth of a millisecond or more.
_LONG_CHARS = 16_384


class EventRows(HttpRows):
    """Rows of every event. Outputs are cut to `output_max_bytes` each."""

    def __init__(self, origin: str, output_max_bytes: int) -> None:
        super().__init__(origin, output_max_bytes)
        self._facts: dict[str, tuple[Any, ...]] = {}

    def task_started(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, task, slot, pid, queue_seconds, spawn_seconds, attempt = event
        said = (
            f'"slot":{slot},"attempt":{attempt},"queue_seconds":{queue_seconds:.6f},'
            f'"spawn_seconds":{spawn_seconds:.6f}'
        )
        if task.binary_path:
            said = f'{said},"binary_path":{text.quoted(task.binary_path)}'
        self._task(rows, ts, 'task_started', task, said, pid=pid, args=text.arguments(task.args))

    def task_completed(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, task, exit_code, pid, duration, queue_seconds, slot, attempt, output = event
        said = f'"slot":{slot},"attempt":{attempt},"queue_seconds":{queue_seconds:.6f}'
        args: Any = NULL
        if task.precomputed is not None:
            said = f'{said},"precomputed":true'
            args = text.arguments(task.args)
        if output is None:
            self._task(rows, ts, 'task_completed', task, said, exit_code, duration, pid, args)
        else:
            out, err, more = self._output(output)
            said = f'{said}{more}'
            self._task(
                rows, ts, 'task_completed', task, said, exit_code, duration, pid, args, out, err
            )

    def task_failed(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, task, exit_code, pid, duration, queue_seconds, slot, attempt, *what = event
        output, kind, action, exception = what
        out, err, more = self._output(output)
        said = (
            f'"slot":{slot},"attempt":{attempt},"queue_seconds":{queue_seconds:.6f},'
            f'"kind":"{kind}","action":"{action}","exception":{text.quoted(exception)}{more}'
        )
        if task.precomputed is not None:
            said = f'{said},"precomputed":true'
        # Where nothing was started, no other row tells the arguments.
        args = text.arguments(task.args) if pid is None else None
        self._task(rows, ts, 'task_failed', task, said, exit_code, duration, pid, args, out, err)

    def task_retried(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, task, attempt, delay = event
        said = f'"attempt":{attempt},"delay_seconds":{delay:.3f}'
        self._task(rows, ts, 'task_retried', task, said)

    def task_complete(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, task, payloads, duration = event
        self._task(rows, ts, 'task_complete', task, f'"payloads":{payloads}', NULL, duration)

    def _output(self, output: tuple[Any, ...]) -> tuple[str | None, str | None, str]:
        """Return stdout, stderr, and what the metadata says of them."""
        stdout, stderr, stdout_cut, stderr_cut, omitted = output
        if omitted:
            return None, None, ',"output_omitted":true'
        if len(stdout) + len(stderr) > _LONG_CHARS:
            give_way()
        stdout, cut = text.output(stdout, self._output_max_bytes)
        more = ',"stdout_truncated":true' if cut or stdout_cut else ''
        stderr, cut = text.output(stderr, self._output_max_bytes)
        if cut or stderr_cut:
            more = f'{more},"stderr_truncated":true'
        return stdout, stderr, more

    def _task(
        self,
        rows: list[Row],
        ts: float,
        event: str,
        task: ExecutorTask,
        said: str,
        exit_code: Any = NULL,
        duration: Any = NULL,
        pid: Any = NULL,
        args: Any = NULL,
        stdout: Any = NULL,
        stderr: Any = NULL,
    ) -> None:
        """Append a row of a task; `said` is metadata as JSON without braces."""
        facts = self._facts.get(task.task_id)
        if facts is None:
            facts = self._remember(task)
        topic, partition, first, last, task_id, more, labels, origin, client, request = facts
        rows.append(
            (
                ts,
                event,
                topic,
                partition,
                first,
                last,
                task_id,
                args,
                stdout,
                stderr,
                exit_code,
                duration,
                NULL,
                f'{{{said}{more}}}',
                pid,
                labels,
                origin,
                client,
                request,
            )
        )

    def _remember(self, task: ExecutorTask) -> tuple[Any, ...]:
        """Return what all rows of a task say alike; it is asked for three times and more."""
        if len(self._facts) >= _TASKS_REMEMBERED:
            self._facts.clear()
        offsets = task.source_offsets
        first, last, more = (offsets[0], None, '') if len(offsets) == 1 else _served(offsets)
        if task.parent_task_id:
            more = f'{more},"parent_task_id":{text.quoted(task.parent_task_id)}'
        has_place = task.partition >= 0
        facts = self._facts[task.task_id] = (
            task.topic if task.topic and has_place else NULL,
            task.partition if has_place else NULL,
            NULL if first is None else first,
            NULL if last is None else last,
            text.writable(task.task_id),
            more,
            text.labels(task.labels) or NULL,
            task.origin or self._origin,
            task.client_name or NULL,
            task.request_id or NULL,
        )
        return facts


def _served(offsets: Sequence[int]) -> tuple[int | None, int | None, str]:
    """Return the first and the last of a task's offsets, and the metadata that lists them."""
    if not offsets:
        return None, None, ''
    first, last = min(offsets), max(offsets)
    if first == last:
        return first, None, ''
    distinct = set(offsets)
    listed = ''
    if last - first != len(distinct) - 1:
        listed = f',"source_offsets":[{",".join(map(str, sorted(distinct)))}]'
    # Beyond what a search looks at, a range would only be a wrong promise.
    return first, min(last, first + MAX_SPAN - 1), listed
