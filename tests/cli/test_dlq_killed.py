"""`drakkar dlq replay` in a process of its own: killed, interrupted, and asked questions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import gevent
import pytest

from drakkar.cli.dlq.bookmark import open_bookmark
from drakkar.cli.dlq.letters import Foreign, read_letters
from drakkar.cli.dlq.replayer import Replayer, Rules
from drakkar.cli.dlq.tally import Tally
from drakkar.contracts.source import ProducerRecord
from drakkar.delivery.jsonlines_reader import JsonLinesReader
from tests.cli.dlq_world import dlq, letter, make_folder, message, messages_of, store
from tests.terminal import run_on_terminal

pytestmark = pytest.mark.slow  # real processes

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv('DK_CONFIG', raising=False)
    make_folder(tmp_path)
    return tmp_path


def start(*args: str, **streams: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, '-m', 'drakkar', 'dlq', 'replay', '-c', 'd.ini', *args],
        env={**os.environ, 'PYTHONPATH': f'{Path.cwd()}:{ROOT}', 'TERM': 'xterm'},
        **streams,
    )


def until(condition: Callable[[], bool]) -> None:
    with gevent.Timeout(20, AssertionError('condition never came true')):
        while not condition():
            gevent.sleep(0.02)


def numbers() -> Counter[int]:
    return Counter(int(found.value or b'') for found in messages_of())


def test_killed_twice_it_repeats_at_most_a_batch_each_time_and_loses_nothing():
    count, rate, batch = 4000, '1000', 200  # seconds before it would be through by itself
    store([letter(message(n, b'%d' % n)) for n in range(count)])
    for level in (200, 700):
        with start('--rate', rate, stdout=subprocess.DEVNULL) as process:
            until(lambda level=level: len(messages_of()) >= level)
            process.kill()
    assert count > len(messages_of()) >= 700
    assert dlq('replay').exit_code == 0
    found = numbers()
    assert sorted(found) == list(range(count))
    assert found.total() - count <= 2 * batch
    assert dlq('replay').stdout.startswith('0 messages replayed')


def test_death_between_writing_and_remembering_repeats_that_batch_alone(folder):
    store([letter(message(n, b'%d' % n)) for n in range(500)])
    written: list[int] = []

    def write(topic: str, records: list[ProducerRecord]) -> None:
        written.extend(int(record.value or b'') for record in records)
        if len(written) == 400:
            raise KeyboardInterrupt

    def run() -> None:
        with JsonLinesReader('dlq') as reader, open_bookmark(folder / 'mark.db') as bookmark:
            ends = reader.ends()
            bookmark.begin(ends)
            rules = Rules(reads=lambda _: True)
            letters = read_letters(reader, ends, Foreign())
            Replayer(rules, bookmark, write, Tally()).run(letters)

    with pytest.raises(KeyboardInterrupt):
        run()
    run()
    twice = [number for number, count in Counter(written).items() if count == 2]
    assert sorted(set(written)) == list(range(500))
    assert twice == list(range(200, 400))


def test_ctrl_c_says_what_is_done_and_how_to_go_on():
    store([letter(message(n, b'%d' % n)) for n in range(1000)])
    with start('--rate', '100', stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        until(lambda: len(messages_of()) >= 20)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130
        told = process.stderr.read().decode()
    assert 'stopped: ' in told
    assert 'the same command goes on from here' in told
    assert dlq('replay').exit_code == 0
    found = numbers()
    assert sorted(found) == list(range(1000))
    assert found.total() - 1000 <= 10  # the batch, of a tenth of a second, that was under way


@pytest.mark.parametrize(
    ('answer', 'args', 'code', 'replayed'),
    [(b'n\n', [], 1, 0), (b'y\n', [], 0, 101), (b'', ['--yes'], 0, 101)],
)
def test_on_a_terminal_it_asks_before_many_messages(answer, args, code, replayed):
    store([letter(message(n, b'%d' % n)) for n in range(101)])
    ended, shown = run_on_terminal(partial(start, *args), answer)
    assert ended == code
    assert ('Replay 101 messages to requests? [y/N]' in shown) is not bool(args)
    assert numbers() == Counter(range(replayed))
