"""Kills a pool's programs when their worker is gone, even by SIGKILL.

Run as a script by guard.py, one for each pool: `guardian.py TOKEN WORKER_PID`.
Needs nothing but the standard library and is small; until the worker dies it
sleeps, deaf to the signals that end the worker. It is told of the death by the
kernel through a pidfd, so there is no pipe that a child of the worker could
inherit and hold open.

The kernel's own way, PR_SET_PDEATHSIG, would need code between fork and exec of
every program, is lost by programs that gain privileges and does not reach their
children. The variable DRAKKAR_POOL in the environment does.
"""

import contextlib
import os
import select
import signal
import sys
import time

_SWEEP_SECONDS = 10.0
_PAUSE_SECONDS = 0.1
# A program that was just being started when the worker died has its environment only a
# moment later, so some sweeps in a row must find nothing.
_QUIET_SWEEPS = 5
_POLL_SECONDS = 0.5


def wait_for_death(worker: int) -> None:
    """Return when process `worker`, our parent, is gone."""
    try:
        descriptor = os.pidfd_open(worker)
    except OSError:  # gone already, or a kernel before 5.3
        descriptor = -1
    # The number may belong to someone else by now; the parent's can not.
    while os.getppid() == worker:
        if descriptor >= 0:
            select.select([descriptor], [], [])
            return
        time.sleep(_POLL_SECONDS)


def sweep(token: str, spared: int) -> None:
    """Kill all processes of the pool, again until there are none; not session `spared`."""
    mark = f'DRAKKAR_POOL={token}'.encode()
    deadline = time.monotonic() + _SWEEP_SECONDS
    quiet = 0
    while quiet < _QUIET_SWEEPS and time.monotonic() < deadline:
        quiet = 0 if kill_marked(mark, spared) else quiet + 1
        time.sleep(_PAUSE_SECONDS)


def kill_marked(mark: bytes, spared: int) -> bool:
    """Kill every session that has a process with `mark` in its environment.

    A program may clear its children's environment, but they stay in its session,
    which is the pool's own: every task starts one.
    """
    sessions = {_session(pid) for pid in _processes() if _is_marked(pid, mark)} - {0, spared}
    for pid in _processes() if sessions else ():
        with contextlib.suppress(OSError):
            if _session(pid) in sessions:
                os.kill(pid, signal.SIGKILL)
    return bool(sessions)


def _processes() -> list[int]:
    own = os.getpid()
    return [int(name) for name in os.listdir('/proc') if name.isdigit() and int(name) != own]


def _session(pid: int) -> int:
    """Return the session of `pid`, 0 where it is over or out of sight."""
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def _is_marked(pid: int, mark: bytes) -> bool:
    try:
        with open(f'/proc/{pid}/environ', 'rb') as environ:
            return mark in environ.read().split(b'\0')
    except OSError:  # over by now, or another user's
        return False


def main() -> None:
    """Wait for the worker's end, clean up after it, and be done."""
    token, worker = sys.argv[1], int(sys.argv[2])
    # The worker's own session may hold the user's shell. No task is in it.
    spared = _session(worker)
    wait_for_death(worker)
    sweep(token, spared)


if __name__ == '__main__':
    main()
