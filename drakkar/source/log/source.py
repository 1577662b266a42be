"""The source that reads the embedded log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

import gevent
import structlog

from drakkar.contracts.source import Source, SourceEvents
from drakkar.errors import ConnectError, DrakkarError, SourceError
from drakkar.greenlets import Nursery
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.source.log.clock import Clock, machine_clock
from drakkar.source.log.group import count_expired
from drakkar.source.log.membership import Membership
from drakkar.source.log.read import read
from drakkar.source.log.retention import Retention, trim
from drakkar.source.log.store import LogStore

log = structlog.get_logger('drakkar.source.log')

# What one read brings at most, so that memory is bounded whatever the messages' size.
_READ_MESSAGES = 500
_READ_BYTES = 8 << 20
_RETENTION_INTERVAL_SECONDS = 30.0
# Statements wait this part of a lease for a lock, so that a renewal comes in time.
_BUSY_PART = 1 / 3


class LogSource(Source):
    """Reads the partitions that this worker holds a lease for, and commits to the same file.

    `options` are those of `[log]`. `skipped` counts messages that retention
    removed before they were read. Its greenlets belong to it and end with `close`.
    """

    def __init__(
        self,
        options: Any,
        worker_id: str,
        *,
        clock: Clock | None = None,
        pragmas: Mapping[str, Any] | None = None,
    ) -> None:
        self._store = LogStore(
            options.path,
            options.topic,
            options.partitions,
            fsync=options.fsync,
            busy_seconds=min(5.0, options.lease_seconds * _BUSY_PART),
            pragmas=pragmas,
        )
        self._group = options.group
        self._membership = Membership(
            self._store,
            clock or machine_clock(),
            options.group,
            worker_id,
            options.lease_seconds,
            options.auto_offset_reset,
        )
        self._retention = Retention(options.retention_hours, options.retention_max_messages)
        self._interval = options.poll_interval_ms / 1000
        self._greenlets = Nursery(self._greenlet_failed)
        self._failure: DrakkarError | None = None
        self._events: SourceEvents | None = None
        self._paused = False
        self._version: int | None = None
        self._generation = 0
        self._looked_at = 0.0
        self.skipped = 0

    def start(self, events: SourceEvents) -> None:
        self._store.open()
        try:
            self._membership.join()
        except SourceError as error:
            self._membership.close()
            self._store.close()
            raise ConnectError(str(error)) from error
        self._events = events
        self._greenlets.spawn('log-lease', self._membership.keep_alive)
        if self._retention:
            self._greenlets.spawn('log-retention', self._retain)

    def poll(self, max_messages: int, timeout: float) -> list[SourceMessage]:
        try:
            return self._poll(max_messages, monotonic() + timeout)
        except SourceError:
            if self._events is None:  # closed meanwhile
                return []
            raise

    def _poll(self, max_messages: int, deadline: float) -> list[SourceMessage]:
        while self._events is not None:
            if self._failure is not None:
                raise self._failure
            self._membership.tell(self._events)
            if self._must_look():
                self._look(max_messages)
            # Not before the read: the process may have been stopped in it.
            if not self._membership.is_current():
                self._membership.renew()
                continue
            if not self._paused:
                messages = self._membership.slots.take(max_messages)
                if messages:
                    return messages
            if self._membership.changed.is_set():
                continue
            remaining = deadline - monotonic()
            if remaining <= 0:
                break
            if not self._must_look():
                self._membership.changed.wait(min(self._interval, remaining))
        return []

    def _must_look(self) -> bool:
        if not self._paused and self._membership.slots.has_backlog():
            return True
        return monotonic() - self._looked_at >= self._interval

    def _look(self, max_messages: int) -> None:
        """Read ahead what is wanted, and notice what others have done to group and log."""
        slots = self._membership.slots
        wants = [] if self._paused else slots.wants(max(max_messages, _READ_MESSAGES))
        asked = {want.partition: slots[want.partition] for want in wants}
        seen = None if slots.has_backlog() else self._version
        reading = self._store.run(read, self._store.topic, self._group, wants, _READ_BYTES, seen)
        self._looked_at = monotonic()
        if reading is None:
            return
        self._version = reading.version
        if reading.generation != self._generation:
            self._generation = reading.generation
            self._membership.nudge()
        for partition, slot in slots.items():
            slot.high = reading.highs[partition]
        skipped = {}
        for partition, batch in reading.batches.items():
            # It may have been lost, and even gained again, while we waited.
            if slots.get(partition) is asked[partition] and not asked[partition].revoking:
                asked[partition].accept(batch)
                if batch.skipped:
                    skipped[partition] = batch.skipped
        if skipped:
            self._report_skipped(skipped)

    def _report_skipped(self, skipped: dict[int, int]) -> None:
        self.skipped += sum(skipped.values())
        log.warning('messages_removed_before_read', group=self._group, partitions=skipped)
        try:
            self._store.run(count_expired, self._group, skipped)
        except SourceError as error:
            log.warning('skipped_not_counted', error=str(error))

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self._membership.commit(offsets)

    def release(self, partitions: Sequence[TopicPartition]) -> None:
        self._membership.release(partitions)

    def positions(self) -> Mapping[TopicPartition, tuple[int | None, int | None]]:
        topic = self._store.topic
        return {
            TopicPartition(topic, slot.partition): (slot.committed, slot.high)
            for slot in self._membership.slots.values()
        }

    def close(self) -> None:
        events, self._events = self._events, None
        self._greenlets.kill()
        if events is not None:
            try:
                self._membership.leave()
            except SourceError as error:
                # The others find out by themselves; nothing is lost by it.
                log.warning('leave_failed', error=str(error))
        self._membership.close()
        self._store.close()

    def _retain(self) -> None:
        while True:
            try:
                for partition in range(self._store.partitions):
                    self._trim(partition)
            except SourceError as error:
                log.warning('retention_failed', error=str(error))
            gevent.sleep(_RETENTION_INTERVAL_SECONDS)

    def _trim(self, partition: int) -> None:
        removed = 0
        while step := self._store.run(trim, self._retention, partition):
            removed += step
        if removed:
            log.info('messages_expired', partition=partition, messages=removed)

    def _greenlet_failed(self, name: str, error: BaseException) -> None:
        self._failure = DrakkarError(f'log source: {name} died: {error!r}')
        self._membership.changed.set()
