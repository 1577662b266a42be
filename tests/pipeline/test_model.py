"""Random messages, failures, rebalances and restarts: nothing is lost, nothing hangs.

`tests/pipeline/model.py` says what happens and checks each commit; leaks of
greenlets, children and descriptors are found by the suite's own guard.
"""

from __future__ import annotations

import pytest

from tests.pipeline import model


def live_through(
    seed: int, steps: int, handler: type[model.WorldHandler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('drakkar.worker.build.PartitionProcessor', model.WorldProcessor)
    run = model.Run(seed, handler)
    try:
        for _ in range(steps):
            run.step()
        run.settle()
    finally:
        run.world.calm = True
        run.worker.stop()
    assert not run.world.problems


@pytest.mark.parametrize('handler', [model.WorldHandler, model.WindowHandler])
@pytest.mark.parametrize('seed', range(3))
def test_nothing_is_lost(
    seed: int, handler: type[model.WorldHandler], monkeypatch: pytest.MonkeyPatch
) -> None:
    live_through(seed, 40, handler, monkeypatch)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize('handler', [model.WorldHandler, model.WindowHandler])
@pytest.mark.parametrize('seed', range(100, 104))
def test_nothing_is_lost_for_long(
    seed: int, handler: type[model.WorldHandler], monkeypatch: pytest.MonkeyPatch
) -> None:
    live_through(seed, 400, handler, monkeypatch)
