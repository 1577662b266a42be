"""Runs one server program and sees that nothing of it outlives those who wanted it.

    python -I -S keeper.py PARENT-PID FOLDER USER PROGRAM ARGS...

The keeper adopts whatever the program forks, also what makes a session of its own (PostgreSQL's
backends do). It passes SIGTERM and SIGINT on, kills everything on SIGUSR1 and when its parent
dies; then it removes FOLDER too, since nobody is left who could. USER is empty for the same user.
Uses nothing outside the standard library, so that it starts in a few milliseconds.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
KILL_SIGNAL = signal.SIGUSR1
ORPHANED_SIGNAL = signal.SIGUSR2
REMOVE_SECONDS = 10

_libc = ctypes.CDLL(None, use_errno=True)


class Keeper:
    """The program's pid, and whether the parent has died."""

    def __init__(self) -> None:
        self.program = 0
        self.orphaned = False

    def on_pass(self, signum: int, frame: FrameType | None) -> None:
        if self.program:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.program, signum)

    def on_kill(self, signum: int, frame: FrameType | None) -> None:
        self.orphaned = self.orphaned or signum == ORPHANED_SIGNAL
        kill_children()

    def run(self, user: str, command: list[str]) -> int:
        """Run the command to its end, kill what it leaves; return an exit code as a shell does."""
        self.program = launch(user, command)
        code = 0
        while True:
            pid, status = os.waitpid(-1, 0)
            if pid == self.program:
                code = os.waitstatus_to_exitcode(status)
                break
        with contextlib.suppress(ChildProcessError):
            while True:
                kill_children()
                os.waitpid(-1, 0)
        return code if code >= 0 else 128 - code


def launch(user: str, command: list[str]) -> int:
    """Start the command, which dies with this process; return its pid."""
    keeper = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        if user:
            entry = pwd.getpwnam(user)
            os.initgroups(user, entry.pw_gid)
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
            os.environ['HOME'] = entry.pw_dir
        # After the change of user, which would clear it.
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == keeper:
            os.execvp(command[0], command)
    except OSError as error:
        print(f'{command[0]}: {error}', file=sys.stderr, flush=True)
    os._exit(127)


def kill_children() -> None:
    """Kill the direct children; theirs become ours when they are dead."""
    me = os.getpid()
    for pid in Path(f'/proc/{me}/task/{me}/children').read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def remove(folder: str) -> None:
    """Remove a folder, in which other keepers' programs may still be on their way out."""
    until = time.monotonic() + REMOVE_SECONDS
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        if not Path(folder).exists() or time.monotonic() > until:
            return
        time.sleep(0.05)


def main() -> int:
    parent, folder, user, *command = sys.argv[1:]
    keeper = Keeper()
    signal.signal(signal.SIGTERM, keeper.on_pass)
    signal.signal(signal.SIGINT, keeper.on_pass)
    signal.signal(KILL_SIGNAL, keeper.on_kill)
    signal.signal(ORPHANED_SIGNAL, keeper.on_kill)
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    _libc.prctl(PR_SET_PDEATHSIG, ORPHANED_SIGNAL)
    if os.getppid() != int(parent):
        return 1
    code = keeper.run(user, command)
    if keeper.orphaned:
        remove(folder)
    return code


if __name__ == '__main__':
    sys.exit(main())
