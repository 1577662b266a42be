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

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
KILL_SIGNAL = signal.SIGUSR1
ORPHANED_SIGNAL = signal.SIGUSR2
PASSED_ON = (signal.SIGTERM, signal.SIGINT)
HEARD = (*PASSED_ON, KILL_SIGNAL, ORPHANED_SIGNAL, signal.SIGCHLD)
"""Blocked from the start and waited for: none is lost while the program starts."""

REMOVE_SECONDS = 10

_libc = ctypes.CDLL(None, use_errno=True)


class Keeper:
    """Whether the parent has died, and what is done about signals."""

    def __init__(self) -> None:
        self.orphaned = False

    def run(self, user: str, command: list[str]) -> int:
        """Run the command to its end, kill what it leaves; return an exit code as a shell does."""
        program = launch(user, command)
        while (code := reap(program)) is None:
            signum = signal.sigwait(HEARD)
            if signum in PASSED_ON:
                os.kill(program, signum)
            elif signum != signal.SIGCHLD:
                self.orphaned = self.orphaned or signum == ORPHANED_SIGNAL
                kill_children()
        with contextlib.suppress(ChildProcessError):
            while True:
                kill_children()
                os.waitpid(-1, 0)
        self.orphaned = self.orphaned or ORPHANED_SIGNAL in signal.sigpending()
        return code if code >= 0 else 128 - code


def reap(program: int) -> int | None:
    """Bury the dead; return the exit code of the program if it is among them."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == program:
            return os.waitstatus_to_exitcode(status)
        if pid == 0:
            return None


def launch(user: str, command: list[str]) -> int:
    """Start the command, which dies with this process; return its pid."""
    keeper = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
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
    signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    for signum in HEARD:  # who started this may have it ignored
        signal.signal(signum, signal.SIG_DFL)
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
