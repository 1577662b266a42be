"""What a test may leave behind: nothing. Snapshots of the process, cheap enough for each test.

A snapshot costs some tens of microseconds: greenlets are counted as they start (walking the
garbage collector's objects would cost milliseconds), children and descriptors come from /proc.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import time
import weakref
from dataclasses import dataclass
from pathlib import Path

import gevent

GRACE_SECONDS = 0.5
"""How long a greenlet, child or descriptor that is on its way out may take."""

SESSION_MARK = b'DRAKKAR_TEST_SERVER=session'
"""In the environment of a server that a session fixture started, and a test may have restarted."""

FIXED_BY_PYTEST = frozenset({'PYTEST_CURRENT_TEST'})

_started: weakref.WeakSet[gevent.Greenlet] = weakref.WeakSet()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The parts of this process that a test could leak into."""

    greenlets: frozenset[int]
    children: frozenset[int]
    descriptors: frozenset[tuple[int, str]]
    environment: dict[str, str]


def warm_hub() -> None:
    """Open what the hub opens once (loop, wake-up for threads) and watch greenlets start."""
    gevent.get_hub().threadpool.apply(int)
    gevent.Greenlet.add_spawn_callback(_started.add)


def snapshot() -> Snapshot:
    """Return the state of this process now."""
    return Snapshot(
        greenlets=frozenset(id(g) for g in running_greenlets()),
        children=frozenset(children()),
        descriptors=frozenset(descriptors().items()),
        environment={k: v for k, v in os.environ.items() if k not in FIXED_BY_PYTEST},
    )


def running_greenlets() -> list[gevent.Greenlet]:
    """Return the greenlets started since `warm_hub` that have not ended."""
    return [g for g in list(_started) if not g.dead and g is not gevent.getcurrent()]


def children() -> set[int]:
    """Return the pids of the direct children, zombies too."""
    pids: set[int] = set()
    for task in os.listdir('/proc/self/task'):
        with contextlib.suppress(OSError):  # the thread has ended since
            pids.update(map(int, _read(f'/proc/self/task/{task}/children').split()))
    return pids


def descriptors() -> dict[int, str]:
    """Return the open descriptors and what they are."""
    found = {}
    for name in os.listdir('/proc/self/fd'):
        with contextlib.suppress(OSError):  # the one that listed the folder
            found[int(name)] = os.readlink(f'/proc/self/fd/{name}')
    return found


def find(before: Snapshot, grace_seconds: float = GRACE_SECONDS) -> list[str]:
    """Return a line for each thing that was not there before, after a grace for the dying."""
    found = _differences(before)
    deadline = time.monotonic() + grace_seconds
    collected = False
    while found and time.monotonic() < deadline:
        gevent.sleep(0.005)
        found = _differences(before)
        if found and not collected:
            # Garbage is no leak of this kind: its ResourceWarning fails the test if it matters.
            gc.collect()
            collected = True
            deadline = time.monotonic() + grace_seconds  # a full collection may have taken it all
    return found


def clean_up(before: Snapshot) -> None:
    """End and undo what was leaked, so that later tests are judged by themselves."""
    leaked = [g for g in running_greenlets() if id(g) not in before.greenlets]
    gevent.killall(leaked, timeout=1)
    for pid in _new_children(before):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    for name in set(os.environ) - set(before.environment) - FIXED_BY_PYTEST:
        del os.environ[name]
    os.environ.update(before.environment)


def _differences(before: Snapshot) -> list[str]:
    now = snapshot()
    lines = []
    if now.greenlets != before.greenlets:
        lines += [f'greenlet {g!r}' for g in running_greenlets() if id(g) not in before.greenlets]
    lines += [f'child {pid}: {_describe(pid)}' for pid in _new_children(before)]
    fresh = sorted(now.descriptors - before.descriptors)
    lines += [f'descriptor {number}: {target}' for number, target in fresh]
    if now.environment != before.environment:
        lines += [
            f'environment variable {name}'
            for name in sorted(now.environment.keys() | before.environment.keys())
            if now.environment.get(name) != before.environment.get(name)
        ]
    return lines


def _new_children(before: Snapshot) -> list[int]:
    """Return the children of this test: those that serve the whole session are not to blame."""
    return [pid for pid in sorted(children() - before.children) if not _of_session(pid)]


def _of_session(pid: int) -> bool:
    try:
        return SESSION_MARK in Path(f'/proc/{pid}/environ').read_bytes().split(b'\0')
    except OSError:
        return False


def _describe(pid: int) -> str:
    """Return a child's command line, or that it is a zombie."""
    try:
        command = _read(f'/proc/{pid}/cmdline').replace('\0', ' ').strip()
    except OSError:
        return 'gone since'
    return command or 'zombie'


def _read(path: str) -> str:
    return Path(path).read_text()
