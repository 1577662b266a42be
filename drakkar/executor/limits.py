"""Limits of what a program may use, put on it right after its start."""

from __future__ import annotations

import os
import resource
from typing import Any

import structlog

log = structlog.get_logger('drakkar.executor')


class Limits:
    """Applies `[executor.limits]` to one process; its children inherit them.

    posix_spawn knows no limits, so they are set from outside. The program runs a
    few microseconds without them: they bound what it uses, they do not cage it.
    """

    def __init__(self, options: Any) -> None:
        """Take `cpu_seconds`, `address_space_bytes`, `open_files`, `nice`; 0 or None: unset."""
        wanted = [
            # The hard limit one second later: SIGXCPU tells more than SIGKILL.
            (resource.RLIMIT_CPU, options.cpu_seconds, 1),
            (resource.RLIMIT_AS, options.address_space_bytes, 0),
            (resource.RLIMIT_NOFILE, options.open_files, 0),
        ]
        self._limits = [
            (kind, _within_own(kind, value, margin)) for kind, value, margin in wanted if value
        ]
        self._nice = int(options.nice or 0)
        self._refused = False

    def __bool__(self) -> bool:
        return bool(self._limits or self._nice)

    def apply(self, pid: int) -> None:
        """Put the limits on `pid`. One that may not be set is logged once for the pool."""
        try:
            for kind, values in self._limits:
                resource.prlimit(pid, kind, values)
            if self._nice:
                os.setpriority(os.PRIO_PROCESS, pid, self._nice)
        except ProcessLookupError:
            return  # already over
        except (OSError, ValueError) as error:
            if not self._refused:
                self._refused = True
                log.warning('executor_limits_refused', error=str(error), nice=self._nice)


def _within_own(kind: int, value: int, margin: int) -> tuple[int, int]:
    """Return soft and hard limit, lowered to the worker's own hard limit."""
    ceiling = resource.getrlimit(kind)[1]
    if ceiling == resource.RLIM_INFINITY:
        return value, value + margin
    return min(value, ceiling), min(value + margin, ceiling)
