"""The hooks of the handler, with its program run in between."""

from __future__ import annotations

import os
import subprocess

import pytest

import drakkar.api as dk
from drakkar.testing import WorkerHarness
from drakkar_handler_symbol_count import SymbolCountHandler
from drakkar_handler_symbol_count.handler import PROGRAM
from drakkar_sink_filesystem import FilePayload


@pytest.fixture
def handler() -> SymbolCountHandler:
    worker = WorkerHarness(SymbolCountHandler, sinks=[FilePayload])
    assert worker.config.executor.binary_path == str(PROGRAM)
    assert isinstance(worker.handler, SymbolCountHandler)
    return worker.handler


def count(value: bytes) -> str:
    return subprocess.run(
        [str(PROGRAM)], input=value, env={'PATH': os.environ['PATH']}, stdout=-1, check=True
    ).stdout.decode()


def test_one_task_a_message(handler: SymbolCountHandler) -> None:
    messages = [
        dk.SourceMessage('requests', 0, 5, b'a', payload=b'a'),
        dk.SourceMessage('requests', 0, 6, None),
    ]
    tasks = handler.arrange(messages, dk.PendingContext({}))
    assert [(t.source_offsets, t.stdin) for t in tasks] == [([5], b'a'), ([6], b'')]


@pytest.mark.parametrize(
    ('value', 'symbols'),
    [(b'', 0), (b'{"pattern": "x"}', 16), ('äö€\n'.encode(), 4), (b'a\0b', 3)],
)
def test_program_counts_characters_not_bytes(value: bytes, symbols: int) -> None:
    assert int(count(value)) == symbols


def test_count_is_added_up(handler: SymbolCountHandler) -> None:
    message = dk.SourceMessage('requests', 0, 5, b'abc')
    (task,) = handler.arrange([message], dk.PendingContext({}))
    before = SymbolCountHandler.symbols._value.get()
    assert handler.on_task_complete(dk.ExecutorResult(task, stdout=count(b'abc')))
    assert SymbolCountHandler.symbols._value.get() == before + 3


def test_program_that_prints_no_number_is_an_error(handler: SymbolCountHandler) -> None:
    message = dk.SourceMessage('requests', 0, 5, b'abc')
    (task,) = handler.arrange([message], dk.PendingContext({}))
    with pytest.raises(ValueError, match='invalid literal'):
        handler.on_task_complete(dk.ExecutorResult(task, stdout='many'))
