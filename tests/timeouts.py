"""A pytest plugin: pytest-timeout's limit, made to work under gevent.

Its signal handler raises in whatever greenlet runs when the alarm comes, often the hub, and then
the test would hang on. Here the stacks of all greenlets are printed and the failure is raised in
the greenlet that runs the test. When the hub is blocked and cannot deliver it, a second alarm
raises where the process is.
"""

from __future__ import annotations

import faulthandler
import signal
import sys
from types import FrameType
from typing import Any

import gevent
import pytest
from gevent.util import print_run_info

SECOND_ALARM_SECONDS = 2.0


class TimeLimitError(BaseException):
    """The time is up. No Exception, so that code under test does not swallow it."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let a test that may run for longer do so without a dump of its threads' stacks.

    It comes a little before the common limit, when nothing is wrong with such a test,
    and ends the interpreter now and then: greenlets switch while it walks their frames.
    """
    if item.get_closest_marker('timeout') is not None:
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> bool:
    """Start the alarm of a test; `settings.timeout` is in seconds."""
    runner = gevent.getcurrent()
    hub = gevent.get_hub()
    error = TimeLimitError(f'{item.nodeid} ran longer than {settings.timeout} s')
    alarms = 0

    def on_alarm(signum: int, frame: FrameType | None) -> None:
        nonlocal alarms
        alarms += 1
        if alarms == 1:
            print_run_info(file=sys.stderr)
        if gevent.getcurrent() is runner or alarms > 1:
            raise error
        hub.loop.run_callback(runner.throw, error)

    def cancel() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    item.cancel_timeout = cancel  # type: ignore[attr-defined]
    signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, settings.timeout, SECOND_ALARM_SECONDS)
    return True
