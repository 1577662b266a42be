"""Ctrl-C waits for what must stay together."""

from __future__ import annotations

import os
import signal

import pytest

from drakkar.cli.interrupts import held


def interrupted(done: list[str], error: Exception | None = None) -> None:
    with held():
        os.kill(os.getpid(), signal.SIGINT)
        done.append('after the signal')
        if error is not None:
            raise error


def test_an_interrupt_comes_after_the_body() -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted(done)
    assert done == ['after the signal']


def test_without_one_nothing_is_raised_and_the_handler_is_the_same() -> None:
    former = signal.getsignal(signal.SIGINT)
    with held():
        assert signal.getsignal(signal.SIGINT) is not former
    assert signal.getsignal(signal.SIGINT) is former


def test_an_error_of_the_body_goes_before_the_interrupt() -> None:
    former = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match='broken'):
        interrupted([], ValueError('broken'))
    assert signal.getsignal(signal.SIGINT) is former
