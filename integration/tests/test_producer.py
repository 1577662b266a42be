"""What the producer sends, and when."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar_handler_ripgrep import SearchRequest
from integration.infra import producer
from integration.infra.phases import PHASES, TOTAL, plan
from integration.infra.requests import request_id, search_requests
from integration.stack.program import ROOT


def requests(count: int, slow_percent: float = 3, seed: int = 1) -> list[dict[str, object]]:
    made = search_requests(seed, slow_percent, range(150, 251), range(1, 9))
    return list(itertools.islice(made, count))


def test_the_phases_are_those_of_the_page() -> None:
    phases = [(p.messages, p.rate, p.pause) for p in plan(TOTAL)]
    assert phases == [
        (10, 0.2, 0),
        (500, 15, 0),
        (0, 0, 15),
        (200, 0, 0),
        (2000, 20, 0),
        (0, 0, 10),
        (300, 0, 0),
        (1990, 10, 0),
        (5000, 0, 0),
    ]


@given(st.integers(0, 100_000))
def test_any_total_is_sent_whole(total: int) -> None:
    counts = [phase.messages or 0 for phase in plan(total)]
    assert sum(counts) == total
    assert min(counts) >= 0
    fixed = [p.messages for p in PHASES if p.messages is not None]
    if total >= TOTAL:
        assert [
            count for p, count in zip(PHASES, counts, strict=True) if p.messages is not None
        ] == fixed


def test_speed_divides_all_times() -> None:
    for usual, fast in zip(plan(TOTAL), plan(TOTAL, 10), strict=True):
        assert (fast.rate, fast.pause) == (usual.rate * 10, usual.pause / 10)


def test_requests_are_those_of_the_seed_and_valid() -> None:
    assert requests(50) == requests(50)
    assert requests(50) != requests(50, seed=2)
    assert [r['request_id'] for r in requests(3)] == [request_id(n) for n in (1, 2, 3)]
    for request in requests(200):
        SearchRequest().load(request)
        assert Path(str(request['file_path'])).exists()


def test_the_share_of_slow_outliers() -> None:
    slow = [r for r in requests(TOTAL) if int(str(r['repeat'])) >= 150]
    assert 250 <= len(slow) <= 350
    assert all(int(str(r['repeat'])) <= 8 for r in requests(500, slow_percent=0))
    assert all(150 <= int(str(r['repeat'])) <= 250 for r in requests(500, slow_percent=100))


def test_an_empty_variable_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in producer.VARIABLES:
        monkeypatch.setenv(name, '')
    settings = producer.Settings.read()
    assert (settings.total, settings.speed, settings.slow_percent) == (TOTAL, 1, 3)
    assert (settings.slow, settings.usual) == (range(150, 251), range(1, 9))
    assert settings.brokers == 'localhost:9092'


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('TOTAL_MESSAGES', 'many'),
        ('SPEED', '0'),
        ('SLOW_PERCENT', '-1'),
        ('SLOW_REPEAT', '250-150'),
        ('USUAL_REPEAT', '0-3'),
    ],
)
def test_a_wrong_variable_is_named(name: str, text: str) -> None:
    done = subprocess.run(
        [sys.executable, '-m', 'integration.infra.producer'],
        cwd=ROOT,
        env={**os.environ, name: text},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f'{name}={text}' in done.stderr
