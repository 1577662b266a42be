"""One partition: collects windows, has them arranged, follows their offsets."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

import gevent
import structlog
from gevent.event import Event

from drakkar import backoff
from drakkar.greenlets import Nursery
from drakkar.models.delivery import CancelScope
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.snapshot import PartitionSnapshot
from drakkar.models.task import ExecutorTask, PendingContext
from drakkar.pipeline.completion import Completion
from drakkar.pipeline.decode import DecodeError
from drakkar.pipeline.offsets import OffsetTracker
from drakkar.pipeline.parts import Parts
from drakkar.pipeline.state import MessageState, Window

log = structlog.get_logger('drakkar.processor')


class PartitionProcessor:
    """Owns everything that is in flight for one assignment of one partition.

    `offer` queues messages. It ends either by `drain` (finish what is in a
    window, forget what only waits) or by `abandon` (kill it all, tell nobody);
    `cancel`, at last, waits until nothing of it is alive.
    """

    def __init__(self, partition: TopicPartition, parts: Parts) -> None:
        self.partition = partition
        self._parts = parts
        self._scope = CancelScope()
        self._offsets = OffsetTracker()
        self._queue: deque[SourceMessage] = deque()
        self._wakeup = Event()
        self._idle = Event()
        self._closing = False
        self._starting_over = False
        self._consumed = 0
        self._completed = 0
        self._greenlets = Nursery(parts.failed)
        self._completion = Completion(parts, self._scope, self._greenlets, self._complete)
        self._greenlets.spawn(f'partition-{partition}', self._collect)

    # Life

    def offer(self, messages: Sequence[SourceMessage]) -> None:
        """Queue messages in offset order. Never waits; backpressure bounds the queue."""
        if self._closing:
            self._parts.finished(len(messages))
            return
        self._consumed += len(messages)
        self._queue.extend(messages)
        self._wakeup.set()

    def stop_intake(self) -> None:
        """Open no window from now on; what only waits is left to the next owner."""
        if self._closing:
            return
        self._closing = True
        self._parts.finished(len(self._queue))
        self._queue.clear()
        self._wakeup.set()
        if not len(self._offsets):
            self._idle.set()

    def drain(self, timeout: float) -> bool:
        """Finish the windows in flight within `timeout` seconds; return whether all did."""
        self.stop_intake()
        self._idle.wait(timeout)
        return not len(self._offsets)

    def abandon(self) -> None:
        """Forget everything and kill what runs: late results change nothing any more.

        Never waits. What is in flight counts as gone from here on.
        """
        if self._scope.cancelled:
            return
        self.stop_intake()
        self._scope.cancel()
        self._completion.cancel()
        self._parts.finished(len(self._offsets))
        self._idle.set()

    def cancel(self) -> None:
        """Abandon, and wait until its greenlets have ended (a hook may take its time)."""
        self.abandon()
        self._greenlets.kill()

    def snapshot(self) -> PartitionSnapshot:
        return PartitionSnapshot(
            self.partition,
            queued=len(self._queue),
            pending=len(self._offsets),
            draining=self._closing,
            consumed_total=self._consumed,
            completed_total=self._completed,
        )

    @property
    def in_flight_tasks(self) -> int:
        return len(self._completion.in_flight)

    # Windows

    def _collect(self) -> None:
        queue = self._queue
        while not self._closing:
            if not queue:
                self._wakeup.clear()
                self._wakeup.wait()
                continue
            window = self._next_window()
            if window:
                self._open(window)
                gevent.sleep(0)  # a partition with a long queue must not starve the others
            else:
                self._start_over()

    def _next_window(self) -> list[SourceMessage]:
        """Take messages off the queue, up to one whose offset does not rise."""
        queue, offsets, limit = self._queue, self._offsets, self._parts.options.window_size
        window: list[SourceMessage] = []
        while queue and len(window) < limit and queue[0].offset > offsets.last:
            message = queue.popleft()
            offsets.add(message.offset)
            window.append(message)
        return window

    def _start_over(self) -> None:
        """Begin a new count of offsets once all that is in flight is complete.

        The source went back: it repeats messages after an error, or the topic was
        made anew. Nobody can tell which, so they are processed (again): ignoring
        them might lose some, and two counts at once might commit too much.
        """
        log.warning(
            'offsets_went_back',
            partition=self.partition.partition,
            offset=self._queue[0].offset,
            after=self._offsets.last,
        )
        self._starting_over = True
        if len(self._offsets):
            self._idle.clear()
            self._idle.wait()
        self._starting_over = False
        if not self._closing:
            self._idle.clear()
            self._offsets = OffsetTracker()

    def _open(self, messages: list[SourceMessage]) -> None:
        started = time.time()
        messages = self._decode(messages)
        if not messages:
            return
        tasks = self._arrange(messages)
        if tasks is None or self._scope.cancelled:
            return
        hooks = self._parts.hooks
        if tasks or hooks.has_message_complete or hooks.has_window_complete:
            self._completion.start(Window(messages, started), tasks)
        else:
            self._complete(messages)

    def _decode(self, messages: list[SourceMessage]) -> list[SourceMessage]:
        """Decode in place; return those that go on to `arrange`."""
        decode = self._parts.decoder.decode
        good = []
        for message in messages:
            try:
                decode(message)
            except DecodeError as error:
                if self._parse_failed(message, str(error)):
                    continue
            good.append(message)
        return good

    def _parse_failed(self, message: SourceMessage, error: str) -> bool:
        """Treat a message as `source.on_parse_error` says; return whether that was its end."""
        policy = self._parts.on_parse_error
        self._parts.observer.parse_failed(message, error)
        log.warning(
            'parse_failed',
            message=self._parts.hooks.label(message),
            partition=message.partition,
            offset=message.offset,
            error=error,
            action=policy,
        )
        if policy == 'pass':
            return False
        if policy == 'skip':
            self._complete([message])
        else:
            self._completion.dead_letter([MessageState(message)], 'parse', error)
        return True

    def _arrange(self, messages: list[SourceMessage]) -> Sequence[ExecutorTask] | None:
        """Return the window's tasks; None where `arrange` failed for good: dead-lettered."""
        options = self._parts.options
        pending = PendingContext(self._completion.in_flight)
        attempt = 0
        while True:
            attempt += 1
            started = time.perf_counter()
            try:
                tasks = self._parts.hooks.arrange(self.partition, messages, pending)
            except Exception as error:  # logged and counted by hooks
                if attempt > options.max_retries:
                    states = [MessageState(m) for m in messages]
                    self._completion.dead_letter(states, 'arrange', error, attempts=attempt)
                    return None
            else:
                duration = time.perf_counter() - started
                self._parts.observer.arranged(self.partition, messages, tasks, duration)
                return tasks
            gevent.sleep(
                backoff.delay_seconds(
                    attempt, options.retry_backoff_seconds, options.retry_backoff_max_seconds
                )
            )

    def _complete(self, messages: Sequence[SourceMessage]) -> None:
        """Mark offsets complete: all that came from these messages is safe."""
        if self._scope.cancelled:
            return  # late, and not counted any more
        offsets = self._offsets
        done = self._parts.observer.message_done
        moved = False
        for message in messages:
            moved |= offsets.complete(message.offset)
            done(message)
        self._completed += len(messages)
        self._parts.finished(len(messages))
        if moved and offsets.watermark is not None:
            self._parts.committable(self.partition, offsets.watermark)
        if (self._closing or self._starting_over) and not len(offsets):
            self._idle.set()
