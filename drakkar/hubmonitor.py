"""Notices when something blocks the hub, and names the code that does.

A timer of the event loop notes the time at every beat. A native thread, which
runs while the hub does not, sees when a beat is late and looks at what the hub's
thread is executing. When the hub is back, a greenlet of it reports.
"""

from __future__ import annotations

import collections
import os
import sys
import sysconfig
import time
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

import gevent
import structlog
from gevent.monkey import get_original

from drakkar.greenlets import Nursery

log = structlog.get_logger('drakkar.hubmonitor')

# Real thread primitives, whether the process is patched or not.
_start_thread = get_original('_thread', 'start_new_thread')
_new_lock = get_original('_thread', 'allocate_lock')
_get_thread_id = get_original('_thread', 'get_ident')

_SAMPLE_INTERVAL = 0.02  # seconds between looks at a blocked hub
_STILL_BLOCKED = 10.0  # seconds after which it is logged without waiting for the hub
_LAG_PERIOD = 15.0  # seconds; `lag` covers this one and the one before
_JOIN_TIMEOUT = 2.0

_SUSPENDED = 'the process did not run: it was stopped, or the machine had no CPU for it'
_UNKNOWN = 'unknown: it was over before anything could look'
_GEVENT = os.path.dirname(gevent.__file__) + os.sep
_DRAKKAR = os.path.dirname(__file__) + os.sep
_STDLIB = sysconfig.get_path('stdlib') + os.sep

OnStall = Callable[[float, str], None]


class HubMonitor:
    """Watches the hub of the thread that calls `start`.

    A block longer than `threshold` seconds is logged with its stack and told to
    `on_stall(duration, where)`, in a greenlet of that hub; `where` is
    `file:line function`. Beats come every `interval` seconds, so a block is seen
    for certain when it is longer than both together.
    """

    def __init__(self, on_stall: OnStall, threshold: float = 0.1, interval: float = 0.1) -> None:
        self._on_stall = on_stall
        self._threshold = threshold
        self._interval = interval
        self._beat = 0.0
        self._seen = _Seen()
        self._lags = [0.0, 0.0]
        self._lag_period_end = 0.0
        self._loop: Any = None
        self._timer: Any = None
        self._thread_id = 0
        self._running: Any = None
        self._ended: Any = None
        self._reports = Nursery(on_failure=lambda *_: None)  # which logs it itself

    @property
    def lag(self) -> float:
        """The largest delay of a beat within the last 15 to 30 seconds, in seconds."""
        return max(self._lags)

    def start(self) -> None:
        """Begin to watch; the thread runs when this returns."""
        self._thread_id = _get_thread_id()
        self._loop = gevent.get_hub().loop
        self._beat = time.perf_counter()
        self._lags = [0.0, 0.0]
        self._lag_period_end = self._beat + _LAG_PERIOD
        self._timer = self._loop.timer(self._interval, self._interval, ref=False)
        self._timer.start(self._on_beat)
        # Each is released at its moment: `running` when the thread shall end.
        begun, self._running, self._ended = _new_lock(), _new_lock(), _new_lock()
        for lock in (begun, self._running, self._ended):
            lock.acquire()
        _start_thread(self._run_checks, (begun, self._running, self._ended))
        begun.acquire(True, _JOIN_TIMEOUT)

    def stop(self) -> None:
        """End timer, thread and reports, and wait for them. Idempotent."""
        if self._timer is None:
            return
        self._timer.stop()
        self._timer.close()
        self._timer = None
        self._running.release()
        self._ended.acquire(True, _JOIN_TIMEOUT)
        self._reports.kill()

    # In the hub

    def _on_beat(self) -> None:
        now = time.perf_counter()
        beat, self._beat = self._beat, now
        lag = now - beat - self._interval
        self._note_lag(now, lag)
        seen, self._seen = self._seen, _Seen()
        if lag < self._threshold:
            return
        # Where nobody looked, it is only known that this beat was due in between.
        duration = now - (seen.since or beat + self._interval)
        self._reports.spawn('hub-monitor-report', self._report, duration, seen)

    def _note_lag(self, now: float, lag: float) -> None:
        if now > self._lag_period_end:
            self._lags = [self._lags[1], 0.0]
            self._lag_period_end = now + _LAG_PERIOD
        if lag > self._lags[1]:
            self._lags[1] = lag

    def _report(self, duration: float, seen: _Seen) -> None:
        where, stack = seen.verdict()
        log.warning('hub_blocked', seconds=round(duration, 3), where=where, stack=stack)
        self._on_stall(duration, where)

    # In the native thread

    def _run_checks(self, begun: Any, running: Any, ended: Any) -> None:
        begun.release()
        allowed = self._interval + self._threshold
        woke, cpu, wait, told = time.perf_counter(), time.process_time(), allowed, 0.0
        try:
            while not running.acquire(True, wait):
                now, used = time.perf_counter(), time.process_time() - cpu
                # A thread that holds the GIL delays this one too, but it uses the CPU.
                suspended = now - woke > wait + self._threshold and used < self._threshold / 10
                woke, cpu, beat = now, cpu + used, self._beat
                wait = beat + allowed - now
                if wait > 0:
                    continue
                wait = _SAMPLE_INTERVAL
                self._look(beat, suspended)
                if now - beat > _STILL_BLOCKED and told != beat:
                    told = beat
                    self._tell_still_blocked(now - beat)
        finally:
            ended.release()

    def _look(self, beat: float, suspended: bool) -> None:
        frame = sys._current_frames().get(self._thread_id)
        # The loop's own clock stands still since it last looked for something to do.
        blocked_for = time.time() - self._loop.now()
        self._seen.since = max(beat, time.perf_counter() - blocked_for)
        if suspended:
            self._seen.add(_SUSPENDED, None)
        elif frame is not None:
            self._seen.add(locate(frame), frame)

    def _tell_still_blocked(self, seconds: float) -> None:
        where, stack = self._seen.verdict()
        log.error('hub_still_blocked', seconds=round(seconds, 3), where=where, stack=stack)


class _Seen:
    """What the hub's thread was found executing during one stall."""

    def __init__(self) -> None:
        self.since = 0.0  # of the performance counter; 0 while nothing was seen
        self._counts: collections.Counter[str] = collections.Counter()
        self._stacks: dict[str, str] = {}

    def add(self, where: str, frame: FrameType | None) -> None:
        self._counts[where] += 1
        if where not in self._stacks:
            self._stacks[where] = ''.join(traceback.format_stack(frame)) if frame else ''

    def verdict(self) -> tuple[str, str]:
        """Return the place that was seen most often, and the stack when first seen there."""
        if not self._counts:
            return _UNKNOWN, ''
        where = self._counts.most_common(1)[0][0]
        return where, self._stacks.get(where, '')


def locate(frame: FrameType) -> str:
    """Return `file:line function` of the code to blame for what `frame` executes.

    That is the innermost frame which is neither gevent's, nor Drakkar's, nor the
    standard library's; where there is none, the innermost one that is not
    gevent's, or at last the innermost.
    """
    fallback: FrameType | None = None
    current: FrameType | None = frame
    while current is not None:
        if not _is_framework(current) and not _is_stdlib(current):
            return _name(current)
        if fallback is None and not current.f_code.co_filename.startswith(_GEVENT):
            fallback = current
        current = current.f_back
    return _name(fallback or frame)


def _is_framework(frame: FrameType) -> bool:
    code = frame.f_code
    if code.co_name == '<module>' and frame.f_globals.get('__name__') == '__main__':
        return True  # the script that started the worker is at the root of every stack
    return code.co_filename.startswith((_GEVENT, _DRAKKAR))


def _is_stdlib(frame: FrameType) -> bool:
    path = frame.f_code.co_filename
    return path.startswith('<frozen') or (path.startswith(_STDLIB) and '-packages' not in path)


def _name(frame: FrameType) -> str:
    code = frame.f_code
    function = getattr(code, 'co_qualname', code.co_name)
    return f'{code.co_filename}:{frame.f_lineno} {function}'
