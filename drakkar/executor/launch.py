"""Makes a running process of a task, or says why it can not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from gevent.hub import get_hub

from drakkar.executor.env import build_environment, merge
from drakkar.executor.limits import Limits
from drakkar.executor.pipe import close_fd
from drakkar.executor.process import Process, Surroundings
from drakkar.executor.program import Programs
from drakkar.models.task import ExecutorTask


class LaunchError(Exception):
    """The task's program was not started; the text names the program and the reason."""


class Launcher:
    """Knows the program, environment and limits of a pool's tasks."""

    def __init__(self, options: Any, environ: Mapping[str, str], pool_token: str) -> None:
        """`options` are those of section [executor]; `environ` is the worker's environment."""
        self._options = options
        self._programs = Programs(options.binary_path, environ)
        self._environment = build_environment(
            environ if options.env_inherit_parent else {},
            options.env_inherit_deny,
            options.env,
            pool_token,
        )
        self._limits = Limits(options.limits)
        self._timeout = float(options.task_timeout_seconds)
        self._around: Surroundings | None = None

    def start(self) -> None:
        """Open what all runs share. Raises ConfigError where the program can not be run."""
        self._programs.check()
        hub = get_hub()
        # Before the first spawn, so that no exit is missed.
        hub.loop.install_sigchld()
        self._around = Surroundings(
            hub=hub,
            devnull=_open_devnull(),
            stdout_cap=self._options.max_stdout_bytes,
            stderr_cap=self._options.max_stderr_bytes,
            kill_grace=float(self._options.kill_grace_seconds),
        )

    def launch(self, task: ExecutorTask) -> Process:
        """Start the task's program. Raises LaunchError."""
        program = self._programs.name(task.binary_path)
        if not program:
            raise LaunchError('no program: set [executor] binary_path, or binary_path of the task')
        if self._around is None:
            raise LaunchError(f'can not start {program!r}: the pool is not running')
        process = Process(self._around)
        path = self._programs.find(program)
        try:
            stdin = None if task.stdin is None else _input(task.stdin)
            env = merge(self._environment, task.env) if task.env else self._environment
            process.start(path, [program, *task.args], env, stdin)
        except OSError as error:
            self._programs.forget(program)
            raise LaunchError(f'can not start {program!r}: {_explain(error, path)}') from error
        except (ValueError, TypeError, AttributeError) as error:
            # A NUL byte, text that is no Unicode, an argument that is no text.
            raise LaunchError(f'can not start {program!r}: {error}') from error
        if self._limits:
            self._limits.apply(process.pid)
        return process

    def timeout(self, task: ExecutorTask) -> float:
        """Return the seconds that the task may run, 0 for no limit."""
        own = task.timeout_seconds
        return self._timeout if own is None else max(0.0, own)

    def close(self) -> None:
        """Close what `start` opened; launching fails from here on."""
        around, self._around = self._around, None
        if around is not None:
            close_fd(around.devnull)


def _input(stdin: str | bytes) -> memoryview:
    return memoryview(stdin.encode() if isinstance(stdin, str) else stdin)


def _open_devnull() -> int:
    """Open /dev/null above the standard descriptors, which must all be taken.

    Otherwise a pipe could get one of their numbers and lose it to the
    redirections of the child, or stay open in it.
    """
    fd = os.open(os.devnull, os.O_RDONLY)
    while fd <= 2:
        fd = os.open(os.devnull, os.O_RDWR)
    return fd


def _explain(error: OSError, path: str) -> str:
    text = error.strerror or str(error)
    if isinstance(error, FileNotFoundError) and os.path.exists(path):
        return f'{text} (the interpreter or loader that it asks for)'
    return text
