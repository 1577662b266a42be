"""A server's keeper obeys from its first moment."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from integration.servers import keeper
from integration.servers.process import Process

_STEP_SECONDS = 0.001
_STEPS = 40


@pytest.mark.parametrize('signum', [signal.SIGTERM, keeper.KILL_SIGNAL, keeper.ORPHANED_SIGNAL])
def test_no_signal_is_lost_while_the_program_starts(tmp_path: Path, signum: signal.Signals) -> None:
    """From before the keeper runs until its program does, a little later each time."""
    for number in range(_STEPS):
        folder = tmp_path / str(number)
        folder.mkdir()
        process = Process(['sleep', '1000'], folder, tmp_path / 'log')
        try:
            time.sleep(number * _STEP_SECONDS)
            process._keeper.send_signal(signum)
            assert process.wait(20) is not None, f'after {number} steps'
        finally:
            process.kill()
