"""The chaos test's order of things, without a stack."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from kafka.errors import KafkaConnectionError
from pymongo.errors import PyMongoError

from integration.chaos import __main__ as program
from integration.chaos import run
from integration.chaos.proof import Proof
from integration.chaos.run import Chaos, Settings
from integration.chaos.timeline import ROLLING_OUTAGE, Step, described
from integration.chaos.watch import FAST_GROUP, MAIN_GROUP, Sample
from integration.stack.control import ControlError
from integration.stack.plan import MAIN_CLUSTER, page_ports
from integration.stack.program import ROOT


class Orders:
    """A stack whose worker-1 still runs for two more looks."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.left = 2

    def ask(self, action: str, service: str = '', **variables: str) -> dict[str, Any]:
        if service:
            assert not (action == 'start' and self.left), 'started while it runs'
            self.asked.append((action, service))
        return {'ports': page_ports()}

    def running(self, service: str) -> bool:
        self.left -= self.left > 0
        return self.left > 0


def sample(produced: int, processed: int, *owned: int) -> Sample:
    groups = {MAIN_GROUP: processed, FAST_GROUP: processed}
    return Sample(0.0, produced, groups, {}, dict(zip(MAIN_CLUSTER, owned, strict=False)))


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> Orders:
    monkeypatch.setattr(run, '_LEAST_POLL_SECONDS', 0.01)
    monkeypatch.setattr(run.Watch, 'look', lambda self: sample(0, 0))
    return Orders()


def test_a_worker_is_started_when_it_has_ended(orders: Orders) -> None:
    Chaos(orders, Settings(10, speed=1000)).play(Step(0, up='worker-1', down='worker-2'))
    assert orders.asked == [('start', 'worker-1'), ('stop', 'worker-2')]


def test_with_kill_workers_are_killed(orders: Orders) -> None:
    Chaos(orders, Settings(10, speed=1000, kill=True)).play(Step(0, down='worker-2'))
    assert orders.asked == [('kill', 'worker-2')]


@pytest.mark.parametrize(
    ('produced', 'processed', 'owned', 'done'),
    [
        (10, 10, (17, 17, 16), True),
        (9, 9, (17, 17, 16), False),
        (10, 9, (17, 17, 16), False),
        (10, 10, (25, 25), False),
        (10, 10, (17, 17, 8), False),
    ],
)
def test_the_end_is_when_all_is_processed_and_all_workers_have_their_share(
    orders: Orders, produced: int, processed: int, owned: tuple[int, ...], done: bool
) -> None:
    orders.left = 0
    found = Chaos(orders, Settings(10)).all_done(sample(produced, processed, *owned))
    assert found == done


def test_what_does_not_happen_in_time_is_told(orders: Orders) -> None:
    with pytest.raises(TimeoutError, match='3 processed messages: not within 0 s'):
        Chaos(orders, Settings(10, limit_seconds=0)).run()


class Clock:
    """Time passes only where it is slept away."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(run, 'time', found)
    return found


@pytest.mark.parametrize('speed', [1, 10])
def test_the_outage_is_played_by_the_clock(
    orders: Orders, clock: Clock, speed: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins when 3 of 10 messages are processed, and ends when all are."""
    orders.left = 0
    whole = (17, 17, 16)

    def look(watch: run.Watch) -> Sample:
        last = watch.begin + (ROLLING_OUTAGE[-1].at + 100) / speed
        done = min(2 + len(watch.samples), 10 if clock.now > last else 9)
        watch.samples.append(sample(10, done, *whole))
        return watch.samples[-1]

    monkeypatch.setattr(run.Watch, 'look', look)
    monkeypatch.setattr(run, 'prove', lambda at, total: Proof(total, arrived={at['mongo']: 1}))
    chaos = Chaos(orders, Settings(10, speed=speed))
    chaos._watch.begin = clock.now
    outcome = chaos.run()
    times, events = zip(*outcome.events, strict=True)
    assert events == ('t1: 3 processed', *described(MAIN_CLUSTER), 'all processed')
    begin = 5 / speed
    assert times[:-1] == (begin, *(begin + step.at / speed for step in ROLLING_OUTAGE))
    assert outcome.samples[-1].processed[MAIN_GROUP] == 10
    assert len(outcome.samples) > ROLLING_OUTAGE[-1].at / 5
    assert outcome.proof == Proof(10, arrived={'127.0.0.1:27017': 1})
    assert orders.asked == [
        ('stop', 'worker-2'),
        ('stop', 'worker-3'),
        ('start', 'worker-2'),
        ('stop', 'worker-1'),
        ('start', 'worker-1'),
        ('start', 'worker-3'),
    ]


def test_the_end_is_not_before_the_producer_s(orders: Orders) -> None:
    whole = sample(10, 10, 17, 17, 16)
    chaos = Chaos(orders, Settings(10))
    orders.left = 2
    assert [chaos.all_done(whole) for _ in range(2)] == [False, True]


@pytest.mark.parametrize('group', [MAIN_GROUP, FAST_GROUP])
def test_the_end_is_when_both_groups_are_done(orders: Orders, group: str) -> None:
    orders.left = 0
    almost = sample(10, 10, 17, 17, 16)
    almost.processed[group] = 9
    assert not Chaos(orders, Settings(10)).all_done(almost)


class Stack(Orders):
    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def proof(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What reading the books returns, or raises."""
    told: list[Any] = []

    def prove(at: Any, total: int = 0) -> Proof:
        if isinstance(told[0], Exception):
            raise told[0]
        found: Proof = told[0]
        return found

    monkeypatch.setattr(run, 'prove', prove)
    monkeypatch.setattr(program, 'Control', lambda state: Stack())
    monkeypatch.setattr(sys, 'argv', ['chaos-test.sh', '--prove'])
    return told


@pytest.mark.parametrize(
    ('found', 'code', 'said'),
    [
        (Proof(3), 0, 'verdict: nothing was lost\n'),
        (Proof(0), 1, 'verdict: MESSAGES WERE LOST\n'),
        (Proof(3, unsent=1), 1, 'verdict: MESSAGES WERE LOST\n'),
        (TimeoutError('2 records did not come'), 2, 'chaos: 2 records did not come\n'),
        (ControlError('no stack runs'), 2, 'chaos: no stack runs\n'),
        (ConnectionRefusedError('no server'), 2, 'chaos: no server\n'),
        (KafkaConnectionError('no broker'), 2, 'no broker\n'),
        (psycopg2.OperationalError('no database'), 2, 'chaos: no database\n'),
        (PyMongoError('no archive'), 2, 'chaos: no archive\n'),
        (KeyError('offset'), 2, "KeyError: 'offset'\n"),
    ],
)
def test_exit_codes(
    proof: list[Any], capsys: pytest.CaptureFixture[str], found: Any, code: int, said: str
) -> None:
    proof.append(found)
    assert program.main() == code
    out, err = capsys.readouterr()
    assert (err if code == 2 else out).endswith(said)
    assert err.startswith('chaos: ') == (code == 2 and not isinstance(found, KeyError))


def test_the_words_are_those_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    class Played:
        def __init__(self, orders: Any, settings: Settings) -> None:
            asked.extend((orders, settings))
            self.settings = settings

        def run(self) -> run.Outcome:
            return run.Outcome(self.settings, [], [sample(5, 5)] * 2, Proof(5))

    monkeypatch.setattr(program, 'Chaos', Played)
    monkeypatch.setattr(program, 'Control', lambda state: Stack())
    monkeypatch.setenv('TOTAL_MESSAGES', '5')
    monkeypatch.setenv('SEED', '7')
    words = ['--speed', '2', '--kill', '--limit', '9', '--state', str(tmp_path)]
    monkeypatch.setattr(sys, 'argv', ['chaos-test.sh', *words])
    assert program.main() == 0
    monkeypatch.setattr(sys, 'argv', ['', *words, '--total', '6', '--compose', '--report', '.'])
    monkeypatch.chdir(tmp_path)
    assert program.main() == 0
    usual, other = asked[1::2]
    assert usual == Settings(5, 2, True, limit_seconds=9, seed=7)
    assert other.total == 6
    assert [type(orders) for orders in asked[::2]] == [Stack, program.Containers]
    assert (tmp_path / 'report' / 'chaos.txt').exists()
    assert (tmp_path / 'chaos.txt').exists()
    assert 'verdict: nothing was lost' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('words', 'variables', 'said'),
    [
        ([], {}, 'chaos: no stack runs at '),
        (['--prove'], {}, 'chaos: no stack runs at '),
        ([], {'TOTAL_MESSAGES': 'many'}, 'chaos: TOTAL_MESSAGES=many: not a number'),
        (['--speed', '0'], {}, 'error: argument --speed: 0: must be more than 0'),
    ],
)
def test_what_can_not_be_run_is_told_in_a_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    variables: dict[str, str],
    said: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, '-m', 'integration.chaos', '--state', str(tmp_path), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, '')
    assert said in done.stderr.splitlines()[-1]
