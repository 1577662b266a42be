"""A folder with a configuration, dead letters in it, and the command line run on them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from click.testing import CliRunner, Result

from drakkar import jsonio
from drakkar.cli.main import cli
from drakkar.delivery.jsonlines import JsonLines
from drakkar.models.delivery import DeadLetter, SinkRef
from drakkar.models.message import SourceMessage
from drakkar.source.log.store import LogStore

HANDLER = """\
import drakkar.api as dk


class Idle(dk.Handler):
    def arrange(self, messages, pending):
        return []
"""
CONFIG = """\
[drakkar]
handler = idle_of_dlq_test:Idle
[log]
path = log
topic = requests
partitions = 4
"""
FILE = 'requests_dlq-w1.jsonl'


def make_folder(path: Path) -> None:
    (path / 'idle_of_dlq_test.py').write_text(HANDLER)
    (path / 'd.ini').write_text(CONFIG)


def message(offset: int, value: bytes | None = b'{"a": 1}', **fields: object) -> SourceMessage:
    fields.setdefault('partition', 1)
    return SourceMessage(**{'topic': 'requests', 'offset': offset, 'value': value, **fields})


def letter(source: SourceMessage, **fields: object) -> DeadLetter:
    defaults = {'stage': 'deliver', 'error': 'boom', 'worker': 'w1', 'time': time.time()}
    return DeadLetter(source, **{**defaults, **fields})


def sink(name: str) -> SinkRef:
    return SinkRef(*name.split('.'))


def store(letters: Sequence[DeadLetter], worker: str = 'w1') -> None:
    """Write letters as a worker does."""
    queue = JsonLines('dlq', worker)
    queue.connect()
    queue.send(letters)
    queue.close()


def dlq(command: str, *args: str) -> Result:
    """Run `drakkar dlq COMMAND`."""
    return CliRunner().invoke(cli, ['dlq', command, '-c', 'd.ini', *args])


def messages_of(topic: str = 'requests') -> list[SourceMessage]:
    """Everything in the log of `topic`, in order."""
    if not Path(f'log/{topic}.db').exists():
        return []
    log = LogStore('log', topic, 4)
    log.open()
    rows = log.run(
        lambda connection: connection.execute(
            'SELECT id >> 48, id & 0xffffffffffff, key, value, headers, timestamp FROM messages'
            ' ORDER BY id'
        ).fetchall()
    )
    log.close()
    return [
        SourceMessage(topic, partition, offset, value, key, timestamp, _headers(headers))
        for partition, offset, key, value, headers, timestamp in rows
    ]


def _headers(stored: bytes | None) -> list[tuple[str, bytes]]:
    return [(name, value.encode('latin-1')) for name, value in jsonio.loads(stored or b'[]')]
