"""From a journal to the report: one JSON document that says all there is to know."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from drakkar import redact
from drakkar.models.delivery import DeadLetter
from drakkar.models.message import SourceMessage
from drakkar.models.task import ExecutorTask
from drakkar.worker.probe import shown
from drakkar.worker.probe.journal import HookCall, Journal, TaskRecord
from drakkar.worker.probe.request import ProbeRequest
from drakkar.worker.probe.session import Session

_VALUE_BYTES = 64 * 1024
_GIVEN = 4096  # characters of a task's arguments, labels, environment, stdin, metadata each
_OFFSETS = 200

Part = TypeVar('Part', str, tuple[str, str])


def build(request: ProbeRequest, session: Session) -> dict[str, Any]:
    """Return the report of a probe that is over."""
    journal = session.journal
    end = journal.now
    return {
        'probe_id': request.probe_id,
        'status': session.status,
        'started_at': journal.started_at,
        'duration_seconds': end,
        'timeout_seconds': request.timeout_seconds,
        'message': _message(request.message, journal.label),
        'decode': _decode(journal),
        'offset_complete': journal.complete,
        'tasks': [_task(record) for record in journal.tasks.values()],
        'hooks': [_hook(call) for call in journal.hooks],
        'sinks': journal.sinks,
        'unroutable': journal.unroutable,
        'dead_letters': [_dead_letter(letter) for letter in journal.dead_letters],
        'annotations': journal.annotations,
        'exceptions': [dataclasses.asdict(caught) for caught in journal.exceptions],
        'timeline': _timeline(journal, end),
        'left_out': journal.left_out,
    }


def _message(message: SourceMessage, label: str) -> dict[str, Any]:
    return {
        'topic': message.topic,
        'partition': message.partition,
        'offset': message.offset,
        'timestamp': message.timestamp,
        'label': label or message.label,
        'key': shown.readable(message.key, _VALUE_BYTES),
        'value': shown.readable(message.value, _VALUE_BYTES),
        'headers': [
            {'name': shown.line(name), 'value': shown.readable(value, _VALUE_BYTES)}
            for name, value in message.headers
        ],
    }


def _decode(journal: Journal) -> dict[str, Any]:
    decoded = journal.decoded
    return {
        'ok': decoded is not None,
        'error': shown.line(journal.decode_error, 5000),
        'payload': decoded.report() if decoded else None,
    }


def _task(record: TaskRecord) -> dict[str, Any]:
    task = record.task
    args = list(task.args) if isinstance(task.args, (list, tuple)) else [task.args]
    return {
        'task_id': shown.line(task.task_id),
        'parent_task_id': task.parent_task_id and shown.line(task.parent_task_id),
        'binary_path': shown.line(task.binary_path),
        'args': _within([shown.line(arg, 2000) for arg in args]),
        'args_count': len(args),
        'source_offsets': list(task.source_offsets)[:_OFFSETS],
        'labels': dict(_within(_pairs(task.labels))),
        'metadata': shown.data(task.metadata, _GIVEN).report(),
        'env': _env(task),
        'stdin': shown.readable(_stdin(task), _GIVEN),
        'own_timeout_seconds': task.timeout_seconds,
        'precomputed': task.precomputed is not None,
        'runs': record.runs,
        'attempts': [
            {'attempt': a.attempt, 'action': a.action, **a.facts} for a in record.attempts
        ],
    }


def _stdin(task: ExecutorTask) -> bytes | None:
    stdin = task.stdin
    if isinstance(stdin, str):
        return stdin.encode(errors='backslashreplace')
    return bytes(stdin) if isinstance(stdin, (bytes, bytearray, memoryview)) else None


def _env(task: ExecutorTask) -> dict[str, str]:
    """Return the task's own variables; values of secret names are masked."""
    own = task.env or {}
    if not isinstance(own, Mapping):  # nobody checks it before the program starts
        own = {'?': own}
    return redact.variables(dict(_within(_pairs(own))))


def _pairs(mapping: Mapping[Any, Any]) -> list[tuple[str, str]]:
    return [(shown.line(name), shown.line(value)) for name, value in mapping.items()]


def _within(parts: Sequence[Part]) -> list[Part]:
    """Return the first parts, texts or pairs of them, that have room together."""
    sizes = itertools.accumulate(len(''.join(part)) for part in parts)
    return [part for part, size in zip(parts, sizes, strict=True) if size <= _GIVEN]


def _hook(call: HookCall) -> dict[str, Any]:
    return {
        'hook': call.hook,
        'task_id': shown.line(call.task_id),
        'start': call.start,
        'duration_seconds': call.duration,
        'error': call.error,
        'payloads': call.payloads,
        'more_payloads': call.more_payloads,
    }


def _dead_letter(letter: DeadLetter) -> dict[str, Any]:
    return {
        'stage': letter.stage,
        'error': shown.line(letter.error, 2000),
        'task_id': shown.line(letter.task_id),
        'attempts': letter.attempts,
    }


def _timeline(journal: Journal, end: float) -> list[dict[str, Any]]:
    """Return finished spans, and the calls of hooks that never returned, by their start."""
    spans = [dataclasses.asdict(span) | {'open': False} for span in journal.spans]
    for call in journal.hooks:
        if call.duration is None:
            spans.append(
                {
                    'stage': call.hook,
                    'label': call.task_id,
                    'start': call.start,
                    'duration': end - call.start,
                    'failed': True,
                    'open': True,
                }
            )
    return sorted(spans, key=lambda span: span['start'])
