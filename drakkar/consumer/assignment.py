"""Which partitions this worker has, and how it takes and gives them up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import gevent
import structlog

from drakkar import backoff
from drakkar.contracts.observer import Observer
from drakkar.contracts.source import Source, SourceEvents
from drakkar.greenlets import Nursery
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.snapshot import PartitionSnapshot

log = structlog.get_logger('drakkar.assignment')


class Processor(Protocol):
    """What is needed of a partition's pipeline."""

    def offer(self, messages: Sequence[SourceMessage]) -> None: ...
    def stop_intake(self) -> None: ...
    def drain(self, timeout: float) -> bool: ...
    def cancel(self) -> None: ...
    def snapshot(self) -> PartitionSnapshot: ...


class Commits(Protocol):
    """What is needed of the committer."""

    def flush(self, only: Iterable[TopicPartition]) -> bool: ...
    def forget(self, partitions: Iterable[TopicPartition]) -> None: ...


class Assignment:
    """Makes a processor for each partition gained and ends it when it is given up.

    Events only take note and start greenlets: a source calls them from within
    its poll, where waiting would cost the membership.
    """

    def __init__(
        self,
        make_processor: Callable[[TopicPartition], Processor],
        source: Source,
        commits: Commits,
        greenlets: Nursery,
        observer: Observer,
        hooks: Any,
        drain_timeout: float,
    ) -> None:
        self._make = make_processor
        self._source = source
        self._commits = commits
        self._greenlets = greenlets
        self._observer = observer
        self._hooks = hooks
        self._drain_timeout = drain_timeout
        self._active: dict[TopicPartition, Processor] = {}
        self._draining: dict[TopicPartition, Processor] = {}
        self._closing = False

    @property
    def events(self) -> SourceEvents:
        """The listener to start the source with."""
        return SourceEvents(assigned=self.assigned, revoked=self.revoked, lost=self.lost)

    def __len__(self) -> int:
        return len(self._active)

    def __iter__(self) -> Iterator[Processor]:
        """The processors of all partitions, those that drain included."""
        yield from self._active.values()
        yield from self._draining.values()

    def get(self, partition: TopicPartition) -> Processor | None:
        """Return the processor that takes messages of a partition, if it is ours."""
        return self._active.get(partition)

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        fresh = [p for p in partitions if p not in self._active and not self._closing]
        if not fresh:
            return
        for partition in fresh:
            old = self._draining.pop(partition, None)
            if old is not None:  # back before its drain ended: start over from the commit
                old.stop_intake()
                self._greenlets.spawn(f'cancel-{partition}', old.cancel)
            self._active[partition] = self._make(partition)
        log.info('assigned', partitions=[p.partition for p in fresh])
        self._observer.assigned(fresh)
        self._greenlets.spawn('on-assign', self._tell, 'on_assign', fresh)

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        leaving = self._take(partitions)
        if leaving:
            log.info('revoked', partitions=[p.partition for p in leaving])
            self._observer.revoked(list(leaving), False)
            self._greenlets.spawn('revoke', self._give_up, leaving)

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        leaving = self._take(partitions)
        for partition in partitions:
            if partition in self._draining and partition not in leaving:
                leaving[partition] = self._draining[partition]
        self._commits.forget(list(partitions))
        if not leaving:
            return
        log.warning('partitions_lost', partitions=[p.partition for p in leaving])
        self._observer.revoked(list(leaving), True)
        for processor in leaving.values():
            processor.stop_intake()
        self._greenlets.spawn('lost', self._cancel, leaving)

    def drain_all(self, timeout: float) -> list[TopicPartition]:
        """Drain every partition and commit; return those that were not clean.

        Nothing is released or taken any more: leaving the group does it for all at once.
        """
        self._closing = True
        leaving = self._take(list(self._active))
        return self._drain(leaving, timeout)

    def _take(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Processor]:
        """Move partitions from active to draining: no message reaches them any more."""
        leaving = {p: self._active.pop(p) for p in partitions if p in self._active}
        for processor in leaving.values():
            processor.stop_intake()
        self._draining.update(leaving)
        return leaving

    def _give_up(self, leaving: dict[TopicPartition, Processor]) -> None:
        self._tell('on_revoke', list(leaving))
        self._drain(leaving, self._drain_timeout)

    def _drain(
        self, leaving: dict[TopicPartition, Processor], timeout: float
    ) -> list[TopicPartition]:
        """Drain side by side; each partition is committed and released when it is clean."""
        clean: dict[TopicPartition, bool] = {}

        def drain(partition: TopicPartition, processor: Processor) -> None:
            clean[partition] = processor.drain(timeout)
            self._finish(partition, processor, clean[partition])

        workers = [
            self._greenlets.spawn(f'drain-{p}', drain, p, processor)
            for p, processor in leaving.items()
        ]
        for worker in workers:
            worker.join()
        return [p for p in leaving if not clean.get(p, False)]

    def _finish(self, partition: TopicPartition, processor: Processor, clean: bool) -> None:
        if self._draining.get(partition) is not processor:
            return  # lost or assigned anew meanwhile
        if clean:
            self._commit(partition)
        else:
            log.warning('drain_timed_out', partition=partition.partition)
            self._commits.forget([partition])
        processor.cancel()
        self._draining.pop(partition, None)
        if not self._closing:
            self._source.release([partition])

    def _commit(self, partition: TopicPartition) -> None:
        """Commit a drained partition, again while the source is away, within the drain time."""
        deadline = time.monotonic() + self._drain_timeout
        attempt = 0
        while not self._commits.flush([partition]) and time.monotonic() < deadline:
            attempt += 1
            gevent.sleep(backoff.delay_seconds(attempt, 0.1, 2.0))

    def _cancel(self, leaving: dict[TopicPartition, Processor]) -> None:
        for partition, processor in leaving.items():
            processor.cancel()
            if self._draining.get(partition) is processor:
                del self._draining[partition]
        self._tell('on_revoke', list(leaving))

    def _tell(self, hook: str, partitions: Sequence[TopicPartition]) -> None:
        try:
            self._hooks.call(hook, partitions)
        except Exception:  # logged and counted by hooks; the partitions come and go all the same
            return
