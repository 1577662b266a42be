"""What an event says, in a few words for people. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from drakkar.recorder.queries.rows import details

Row = dict[str, Any]

_MAX_CHARS = 300


def in_words(row: Row) -> str:
    """Return on one line what a row says beside its type, place, time and duration."""
    describe = _WORDS.get(row['event'], _whatever)
    text = ' '.join(describe(row).split())
    return text if len(text) <= _MAX_CHARS else f'{text[: _MAX_CHARS - 3]}...'


def is_failure(row: Row) -> bool:
    """Return whether a row tells of something that went wrong."""
    if row['event'] == 'periodic_run':
        return bool(details(row).get('error'))
    return row['event'] in _FAILURES


_FAILURES = frozenset(
    {
        'task_failed',
        'sink_error',
        'dlq_sent',
        'parse_failed',
        'circuit_opened',
        'runtime_stall',
        'webapp_request_timeout',
        'webapp_request_auth_failed',
        'webapp_request_rate_limited',
        'webapp_request_dropped_after_timeout',
    }
)


def command_line(row: Row) -> str:
    """Return the arguments of a task as a shell would take them; empty where none are known."""
    args = row.get('args')
    if not isinstance(args, list):
        return str(args or '')
    program = details(row).get('binary_path')
    return shlex.join([*([str(program)] if program else []), *map(str, args)])


def place(row: Row) -> str:
    """Return `partition:offset` or `partition:offset-last`; empty where a row has no partition."""
    if row['partition'] is None:
        return ''
    if row['offset'] is None:
        return str(row['partition'])
    last = '' if row['last_offset'] is None else f'-{row["last_offset"]}'
    return f'{row["partition"]}:{row["offset"]}{last}'


def _count(number: Any, one: str) -> str:
    if not isinstance(number, int):
        return ''
    return f'{number:,} {one}' if number == 1 else f'{number:,} {one}s'


def _joined(*parts: Any) -> str:
    return ', '.join(str(part) for part in parts if part not in (None, ''))


def _consumed(row: Row) -> str:
    said = details(row)
    return _count(said.get('count'), 'message')


def _arranged(row: Row) -> str:
    said = details(row)
    messages = _count(said.get('count'), 'message')
    return f'{_count(said.get("task_count"), "task")} for {messages}' if messages else ''


def _started(row: Row) -> str:
    said = details(row)
    waited = said.get('queue_seconds')
    return _joined(
        f'run {said["attempt"]}' if said.get('attempt', 1) != 1 else '',
        f'slot {said["slot"]}' if 'slot' in said else '',
        f'pid {row["pid"]}' if row['pid'] else '',
        f'waited {waited:.3f} s' if isinstance(waited, float) else '',
        command_line(row),
    )


def _ended(row: Row) -> str:
    said = details(row)
    code = f'exit code {row["exit_code"]}' if row['exit_code'] is not None else ''
    kind = said.get('kind')
    return _joined(
        'precomputed' if said.get('precomputed') else '',
        kind if kind != 'exit' else '',
        code,
        f'then {said["action"]}' if said.get('action') else '',
        said.get('exception') or row['stderr'] if row['event'] == 'task_failed' else '',
    )


def _retried(row: Row) -> str:
    said = details(row)
    delay = said.get('delay_seconds')
    when = f'in {delay:g} s' if isinstance(delay, (int, float)) else ''
    return _joined(f'run {said.get("attempt", "")}', when)


def _payloads(row: Row) -> str:
    said = details(row)
    return _count(said.get('payloads'), 'payload')


def _message(row: Row) -> str:
    said = details(row)
    failed = said.get('failed')
    return _joined(
        _count(said.get('tasks_total'), 'task'),
        f'{failed} failed' if failed else '',
        _payloads(row),
    )


def _produced(row: Row) -> str:
    said = details(row)
    return f'{_count(said.get("count"), "payload")} for {_sink(row)}'


def _delivered(row: Row) -> str:
    said = details(row)
    return f'{_count(said.get("count"), "payload")} to {_sink(row)}'


def _sink_error(row: Row) -> str:
    said = details(row)
    refused = 'refused' if said.get('refused') else ''
    action = said.get('action')
    then = f'then {action}' if action else ''
    return _joined(_delivered(row), refused, then, said.get('exception'))


def _dead(row: Row) -> str:
    said = details(row)
    return _joined(f'at {said.get("stage")}', said.get('sink'), said.get('error'))


def _committed(row: Row) -> str:
    return f'goes on from {row["offset"]}' if row['offset'] is not None else ''


def _periodic(row: Row) -> str:
    said = details(row)
    return _joined(said.get('name'), said.get('error'))


def _received(row: Row) -> str:
    said = details(row)
    remote = said.get('remote')
    return _joined(
        said.get('label') if said.get('label') != row['request_id'] else '',
        f'from {remote}' if remote else '',
        _count(said.get('body_bytes'), 'byte'),
    )


def _answered(row: Row) -> str:
    said = details(row)
    code = said.get('code') or ''
    return _joined(f'{code} {said.get("status", "")}', _count(said.get('response_bytes'), 'byte'))


def _limited(row: Row) -> str:
    said = details(row)
    limit = f'more than {_count(said.get("rpm_limit"), "request")} in 60 s'
    client = row.get('client_name')
    return _joined(f'{client}: {limit}' if client else limit, _more(said))


def _refused(row: Row) -> str:
    said = details(row)
    remote = f'from {said["remote"]}' if said.get('remote') else ''
    return _joined(said.get('reason'), remote, _more(said))


def _more(said: dict[str, Any]) -> str:
    return f'{said["not_recorded"]} more before' if said.get('not_recorded') else ''


def _dropped(row: Row) -> str:
    said = details(row)
    runs = _count(said.get('count'), 'run')
    return f'{runs} ended for nobody' if runs else ''


def _whatever(row: Row) -> str:
    """Name what the metadata holds: for events that need no sentence, and for those to come."""
    said = details(row)
    return _joined(*(f'{k} {v}' if v is not True else k for k, v in said.items() if v != ''))


def _sink(row: Row) -> str:
    said = details(row)
    return str(said.get('sink') or row['output_topic'] or 'a sink')


_WORDS: dict[str, Callable[[Row], str]] = {
    'consumed': _consumed,
    'arranged': _arranged,
    'task_started': _started,
    'task_completed': _ended,
    'task_failed': _ended,
    'task_retried': _retried,
    'task_complete': _payloads,
    'message_complete': _message,
    'window_complete': _payloads,
    'produced': _produced,
    'sink_delivered': _delivered,
    'sink_error': _sink_error,
    'dlq_sent': _dead,
    'committed': _committed,
    'periodic_run': _periodic,
    'webapp_request_received': _received,
    'webapp_request_completed': _answered,
    'webapp_request_rate_limited': _limited,
    'webapp_request_auth_failed': _refused,
    'webapp_request_dropped_after_timeout': _dropped,
}
