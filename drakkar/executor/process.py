"""One run of a program: from the spawn to the reaped child and the closed pipes."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from time import time
from typing import Any

from gevent import getcurrent
from gevent.monkey import get_original

from drakkar.executor.capture import Capture
from drakkar.executor.env import Environment
from drakkar.executor.feed import Feed
from drakkar.executor.pipe import close_fd
from drakkar.models.task import FailureKind

# gevent's own os.posix_spawn keeps a second watcher and a record for every child.
_posix_spawn: Any = get_original('os', 'posix_spawn')

# Most programs are over before this; their pipes are read once, at the exit, which saves
# all watchers. One that fills a pipe earlier is blocked until then.
WATCH_AFTER_SECONDS = 0.005
# What a program wrote is in the pipe when it exits. Only a process that it left behind
# keeps the pipe open longer; this is its time to finish, which the slot is held for.
PIPE_GRACE_SECONDS = 0.5
# SIGKILL takes milliseconds; a process that hangs in the kernel is left to the loop.
REAP_SECONDS = 5.0

# How long the loop may go on starting programs as others end before it looks at all else.
TURN_SECONDS = 0.01

# Python ignores these two, and a child would inherit that.
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all runs of a pool share. Caps in bytes, 0 for none; grace in seconds."""

    hub: Any
    devnull: int
    stdout_cap: int
    stderr_cap: int
    kill_grace: float


class Process:
    """A child in a session of its own. `start`, then `wait`, then always `release`.

    `status` is the wait status once the child is reaped. `stopped_by` says that
    we ended it: TIMEOUT or CANCELLED. All callbacks run in the hub; the slot's
    greenlet sleeps in `wait` meanwhile.
    """

    __slots__ = (
        '_around',
        '_child',
        '_expired',
        '_feed',
        '_greenlet',
        '_parked',
        '_timeout',
        '_timer',
        'pid',
        'status',
        'stderr',
        'stdout',
        'stopped_by',
    )

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._child: Any = None
        self._feed: Feed | None = None
        self._greenlet: Any = None
        self._parked = False
        self._expired = False
        self._timeout = 0.0
        self._timer: Any = None
        self.pid = 0
        self.status: int | None = None
        self.stopped_by: FailureKind | None = None

    def start(
        self, path: str, argv: Sequence[str], env: Environment, stdin: memoryview | None
    ) -> None:
        """Spawn the program. Raises OSError, ValueError or TypeError; nothing is left open then."""
        around = self._around
        ours: list[int] = []
        theirs: list[int] = []
        try:
            out, err = _pipe(0, ours, theirs), _pipe(0, ours, theirs)
            source = around.devnull if stdin is None else _pipe(1, ours, theirs)
            self.pid = _posix_spawn(
                path,
                argv,
                env,
                file_actions=(
                    (os.POSIX_SPAWN_DUP2, source, 0),
                    (os.POSIX_SPAWN_DUP2, out, 1),
                    (os.POSIX_SPAWN_DUP2, err, 2),
                ),
                setsid=True,
                setsigmask=(),
                setsigdef=_DEFAULT_SIGNALS,
            )
        except BaseException:
            for fd in ours:
                close_fd(fd)
            raise
        finally:
            for fd in theirs:
                close_fd(fd)
        # The loop has not run since the spawn, so the exit can not have been missed.
        self._child = child = around.hub.loop.child(self.pid)
        child.start(self._on_exit)
        self.stdout = Capture(ours[0], around.stdout_cap)
        self.stderr = Capture(ours[1], around.stderr_cap)
        if stdin is not None:
            self._feed = Feed(ours[2], stdin)
            self._feed.start(around.hub.loop)

    def wait(self, timeout: float) -> None:
        """Sleep until the program is over and its output read. `timeout` in seconds, 0 for none."""
        self._timeout = timeout
        self._greenlet = getcurrent()
        self._arm(WATCH_AFTER_SECONDS, self._on_long_run)
        while self.status is None:
            self._park()
        self.stdout.drain()
        self.stderr.drain()
        if self.stdout.open or self.stderr.open:
            self._wait_for_pipes()

    def cancel(self) -> None:
        """Kill the whole group at once; `wait` returns when it is dead."""
        self.stopped_by = FailureKind.CANCELLED
        self._signal(signal.SIGKILL)
        if self.status is not None:
            self._around.hub.loop.run_callback(self._wake)  # it waits for pipes only

    def release(self) -> None:
        """Kill what is left of the group, reap the child, close all. Never raises by itself."""
        try:
            # Also after a clean exit: what a program leaves behind in its group would run on
            # without a slot.
            self._signal(signal.SIGKILL)
            if self.status is None:
                self._reap()
        finally:
            self._disarm()
            if self._child is not None:
                self._child.stop()
                self._child.close()
                self._child = None
            if self._feed is not None:
                self._feed.close()
            self.stdout.close()
            self.stderr.close()

    def _wait_for_pipes(self) -> None:
        """Give a process that holds our pipes its grace, then end it and take what it wrote."""
        self._watch_output()
        self._expired = False
        self._arm(PIPE_GRACE_SECONDS, self._on_expired)
        while not self._grace_is_over():
            self._park()
        self._signal(signal.SIGKILL)
        self.stdout.drain()
        self.stderr.drain()

    def _grace_is_over(self) -> bool:
        cancelled = self.stopped_by is FailureKind.CANCELLED
        return self._expired or cancelled or not (self.stdout.open or self.stderr.open)

    def _reap(self) -> None:
        self._greenlet = getcurrent()
        self._expired = False
        self._arm(REAP_SECONDS, self._on_expired)
        while self.status is None and not self._expired:
            self._park()

    def _park(self) -> None:
        self._parked = True
        try:
            self._around.hub.switch()
        finally:
            self._parked = False

    def _wake(self) -> None:
        if self._parked:
            self._greenlet.switch()

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return  # nobody is left in the group
        except PermissionError:
            return  # only processes that changed their user are left

    def _arm(self, seconds: float, callback: Any) -> None:
        """Make `callback` the one timer of this run."""
        if self._timer is not None:
            self._disarm()
        self._timer = timer = self._around.hub.loop.timer(seconds)
        timer.start(callback)

    def _disarm(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.stop()
            timer.close()

    def _watch_output(self) -> None:
        self.stdout.watch(self._around.hub.loop, self._on_pipe_end)
        self.stderr.watch(self._around.hub.loop, self._on_pipe_end)

    # Called by the loop.

    def _on_exit(self) -> None:
        self.status = self._child.rstatus
        # The loop reaps on in one turn while children end: as long as short programs follow each
        # other, neither timers nor sockets would have theirs. `now` is when this turn began.
        loop = self._around.hub.loop
        if time() - loop.now() < TURN_SECONDS:
            self._wake()
        else:
            loop.run_callback(self._wake)

    def _on_long_run(self) -> None:
        self._watch_output()
        if self._timeout:
            self._arm(max(0.0, self._timeout - WATCH_AFTER_SECONDS), self._on_timeout)

    def _on_timeout(self) -> None:
        self.stopped_by = FailureKind.TIMEOUT
        self._signal(signal.SIGTERM)
        self._arm(self._around.kill_grace, self._on_grace_over)

    def _on_grace_over(self) -> None:
        self._signal(signal.SIGKILL)

    def _on_expired(self) -> None:
        self._expired = True
        self._wake()

    def _on_pipe_end(self) -> None:
        # Before the exit the end of a pipe says nothing: a program may close it and run on.
        if self.status is not None:
            self._wake()


def _pipe(our_end: int, ours: list[int], theirs: list[int]) -> int:
    """Make a pipe, our end (0 reads, 1 writes) non-blocking; return the program's end."""
    ends = os.pipe()
    ours.append(ends[our_end])
    theirs.append(ends[1 - our_end])
    # Only our end: the flag would reach the program through its own.
    os.set_blocking(ends[our_end], False)
    return ends[1 - our_end]
