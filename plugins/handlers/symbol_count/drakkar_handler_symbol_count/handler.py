"""One task a message: its characters are counted by a small shell program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prometheus_client import Counter

import drakkar.api as dk
from drakkar_handler_symbol_count.routes import Make, results_of

PROGRAM = Path(__file__).with_name('count-symbols.sh')


class SymbolCountHandler(dk.Handler):
    """Counts the characters of each message's value, whatever it holds."""

    input_format = 'raw'

    symbols = Counter('symbol_count_symbols', 'Characters counted.')

    def __init__(self) -> None:
        self._routes: list[Make] = []

    def on_startup(self, config: Any) -> Any:
        """Fill in the program where none is configured, and find the routes."""
        if not config.executor.binary_path:
            config.executor.binary_path = str(PROGRAM)
        self._routes = results_of(dict.fromkeys(sink.type for sink in config.sink_instances))
        return config

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return [
            dk.ExecutorTask(
                stdin=message.value or b'',
                source_offsets=[message.offset],
                metadata={'message': message},
            )
            for message in messages
        ]

    def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload]:
        """Raises ValueError for a program that prints no number."""
        message = result.task.metadata['message']
        count = int(result.stdout)
        if not dk.probing():
            self.symbols.inc(count)
        data = {
            'topic': message.topic,
            'partition': message.partition,
            'offset': message.offset,
            'symbols': count,
        }
        return [make(data) for make in self._routes]
