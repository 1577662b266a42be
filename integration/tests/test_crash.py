"""Nothing is lost: not by a kill at any moment, not with two workers on one log."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.crash.scenario import Report, one_worker, two_workers


def check(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f'\n{report}')
    assert report.missing_messages == report.missing_tasks == 0
    assert report.uncommitted == 0
    assert report.orphans == 0
    assert report.exit_code == 0


def test_a_worker_killed_over_and_over_loses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(one_worker(tmp_path, seed=1, kills=15, per_round=60), capsys)


def test_two_workers_share_a_log_and_take_over_from_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(two_workers(tmp_path, seed=2, kills=10, per_round=60), capsys)
