"""`drakkar dlq show`: one letter, whole."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import click

from drakkar import jsonio
from drakkar.cli.common import config_options, load_config
from drakkar.cli.dlq.letters import problem_of, reader_for
from drakkar.cli.dlq.text import block, one_line
from drakkar.cli.dlq.times import as_iso
from drakkar.contracts.source import StoredLetter
from drakkar.envelope import Envelope, parse
from drakkar.errors import DrakkarError

# Of a value that is no text, so many bytes are shown.
_MAX_HEX = 1024


@click.command('show')
@click.argument('letter_id', metavar='ID')
@config_options
@click.option('--json', 'raw', is_flag=True, help='Print the envelope as it is stored.')
@click.option('--value-only', is_flag=True, help="Print the message's value, byte by byte.")
def show_command(
    letter_id: str,
    config_path: str | None,
    overrides: tuple[str, ...],
    raw: bool,
    value_only: bool,
) -> None:
    """Show the letter ID of `drakkar dlq list`: message, payloads, error and traceback.

    Exit codes: 0 shown, 1 there is no such letter, 2 wrong usage or configuration,
    3 no connection.
    """
    if raw and value_only:
        raise click.UsageError('--json and --value-only exclude each other')
    stream, _, number = letter_id.rpartition(':')
    if not (stream and number.isascii() and number.isdigit()):
        raise click.BadParameter(
            f'{letter_id!r} is no id: expected FILE:LINE or TOPIC:PARTITION:OFFSET, as'
            ' `drakkar dlq list` shows them',
            param_hint='ID',
        )
    with reader_for(load_config(config_path, overrides)) as reader:
        stored = reader.fetch(stream, int(number))
    if stored is None or stored.data is None:
        raise DrakkarError(f'there is no letter {letter_id}')
    if raw:
        _write(stored.data + b'\n')
        return
    try:
        envelope = parse(stored.data)
    except ValueError as error:
        raise DrakkarError(f'{letter_id}: {problem_of(error)}; --json prints it') from error
    if value_only:
        _write(envelope.message.value or b'')
        return
    click.echo('\n'.join(_lines(stored, envelope)))


def _write(data: bytes) -> None:
    stream = sys.stdout.buffer
    stream.write(data)
    stream.flush()


def _lines(stored: StoredLetter, envelope: Envelope) -> Iterator[str]:
    message, sink = envelope.message, envelope.sink
    fields = {
        'id': stored.id,
        'time': as_iso(envelope.time),
        'worker': envelope.worker,
        'stage': envelope.stage,
        'sink': str(sink) if sink else '-',
        'attempts': envelope.attempts,
        'task': envelope.task_id or '-',
        'labels': ' '.join(f'{k}={v}' for k, v in envelope.labels.items()) or '-',
        'error': envelope.error,
    }
    yield from _table(fields)
    yield ''
    if message.topic:
        yield 'message'
        place = f'{message.topic}:{message.partition}:{message.offset}'
        yield from _table({'at': place, 'timestamp': as_iso(message.timestamp)})
        yield f'  {"key":<10}{_short(message.key)}'
        for name, value in message.headers:
            yield f'  {"header":<10}{one_line(name)}: {_short(value)}'
        yield from _value(message.value)
    else:
        yield 'no source message: the payloads come from a synchronous request'
    for index, payload in enumerate(envelope.payloads, 1):
        yield ''
        yield f'payload {index} of {len(envelope.payloads)}'
        yield _indented(json.dumps(payload, indent=2, ensure_ascii=False))
    if envelope.traceback:
        yield ''
        yield 'traceback'
        yield _indented(envelope.traceback.rstrip())


def _table(fields: dict[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        yield f'  {name:<10}{one_line(str(value))}'


def _short(data: bytes | None) -> str:
    """Return bytes as text where they are, else in hexadecimal."""
    if data is None:
        return 'null'
    try:
        return one_line(data.decode()) if data else "'' (empty)"
    except UnicodeDecodeError:
        return f'0x{data.hex()}'


def _value(value: bytes | None) -> Iterator[str]:
    if value is None:
        yield f'  {"value":<10}null'
        return
    kind, text = _decoded(value)
    yield f'  {"value":<10}{kind}, {len(value):,} bytes'
    if text:
        yield _indented(text)


def _decoded(value: bytes) -> tuple[str, str]:
    """Return what a value is, and its text for people."""
    if not value:
        return 'empty', ''
    try:
        text = value.decode()
    except UnicodeDecodeError:
        cut = (
            ''
            if len(value) <= _MAX_HEX
            else f'\n... (--value-only prints all {len(value):,} bytes)'
        )
        return 'binary', value[:_MAX_HEX].hex(' ', 2) + cut
    try:
        return 'JSON', json.dumps(jsonio.loads(value), indent=2, ensure_ascii=False)
    except ValueError:
        return 'text', text


def _indented(text: str) -> str:
    return '\n'.join(f'    {line}' for line in block(text).split('\n'))
