"""The chaos test's order of things, without a stack."""

from __future__ import annotations

from typing import Any

import pytest

from integration.chaos import run
from integration.chaos.run import Chaos, Settings
from integration.chaos.timeline import Step
from integration.chaos.watch import FAST_GROUP, MAIN_GROUP, Sample
from integration.stack.plan import MAIN_CLUSTER, page_ports


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
