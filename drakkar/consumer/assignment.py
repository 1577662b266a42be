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

# A drained partition gets at least this long for its commit, however short the drain time is.
_COMMIT_SECONDS = 5.0


class Processor(Protocol):
    """What is needed of a partition's pipeline."""

    def offer(self, messages: Sequence[SourceMessage]) -> None: ...
    def stop_intake(self) -> None: ...
    def drain(self, timeout: float) -> bool: ...
    def abandon(self) -> None: ...
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
        self._ending: set[Processor] = set()  # abandoned, their greenlets about to end
        self._closing = False

    @property
    def events(self) -> SourceEvents:
        """The listener to start the source with."""
        return SourceEvents(assigned=self.assigned, revoked=self.revoked, lost=self.lost)

    def __len__(self) -> int:
        return len(self._active)

    def __iter__(self) -> Iterator[Processor]:
        """The processors of all partitions, those that are about to end included."""
        yield from self._active.values()
        yield from self._draining.values()
        yield from self._ending

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
                self._abandon([old])
                self._greenlets.spawn(f'cancel-{partition}', self._cancel, [old])
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
        self._commits.forget(list(partitions))
        leaving = {
            partition: processors.pop(partition)
            for processors in (self._active, self._draining)
            for partition in partitions
            if partition in processors
        }
        if not leaving:
            return
        self._abandon(leaving.values())
        log.warning('partitions_lost', partitions=[p.partition for p in leaving])
        self._observer.revoked(list(leaving), True)
        self._greenlets.spawn('lost', self._mourn, leaving)

    def drain_all(self, timeout: float) -> list[TopicPartition]:
        """Drain every partition and commit; return those that were not clean.

        Nothing is released or taken any more: leaving the group does it for all at
        once. Partitions that were revoked before are waited for as well.
        """
        self._closing = True
        left = self._say_goodbye(self._take(list(self._active)), timeout)
        return self._drain(dict(self._draining), left)

    def _take(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Processor]:
        """Move partitions from active to draining: no message reaches them any more."""
        leaving = {p: self._active.pop(p) for p in partitions if p in self._active}
        for processor in leaving.values():
            processor.stop_intake()
        self._draining.update(leaving)
        return leaving

    def _give_up(self, leaving: dict[TopicPartition, Processor]) -> None:
        self._drain(leaving, self._say_goodbye(leaving, self._drain_timeout))

    def _say_goodbye(self, leaving: dict[TopicPartition, Processor], timeout: float) -> float:
        """Call `on_revoke`; return what it left of `timeout` seconds for the drain."""
        if not leaving:
            return timeout
        deadline = time.monotonic() + timeout
        hook = self._greenlets.spawn('on-revoke', self._tell, 'on_revoke', list(leaving))
        hook.join(timeout)  # one that hangs must not keep the partitions for ever
        return max(0.0, deadline - time.monotonic())

    def _drain(
        self, leaving: dict[TopicPartition, Processor], timeout: float
    ) -> list[TopicPartition]:
        """Drain side by side, commit and release each; return those that were not clean."""
        unclean: list[TopicPartition] = []

        def drain(partition: TopicPartition, processor: Processor) -> None:
            drained = processor.drain(timeout)
            if self._draining.get(partition) is not processor:
                return  # lost, assigned anew, or ended by another drain meanwhile
            if not self._finish(partition, processor, drained):
                unclean.append(partition)

        workers = [
            self._greenlets.spawn(f'drain-{p}', drain, p, processor)
            for p, processor in leaving.items()
        ]
        for worker in workers:
            worker.join()
        return unclean

    def _finish(self, partition: TopicPartition, processor: Processor, drained: bool) -> bool:
        """Commit, end and release a partition; return whether it was clean.

        At each wait the partition may be lost or come back, and then it is not
        this drain's any more.
        """
        clean = drained and self._commit(partition)
        if self._draining.get(partition) is not processor:
            return clean
        if not clean:
            reason = 'not_committed' if drained else 'drain_timed_out'
            log.warning(reason, partition=partition.partition, topic=partition.topic)
            self._commits.forget([partition])
        processor.cancel()
        if self._draining.get(partition) is processor:
            del self._draining[partition]
            if not self._closing:
                self._source.release([partition])
        return clean

    def _commit(self, partition: TopicPartition) -> bool:
        """Commit a drained partition, again while the source is away; return whether it is."""
        attempt = 0
        with gevent.Timeout(max(self._drain_timeout, _COMMIT_SECONDS), False):
            while not self._commits.flush([partition]):
                attempt += 1
                gevent.sleep(backoff.delay_seconds(attempt, 0.1, 2.0))
            return True
        return False

    def _abandon(self, processors: Iterable[Processor]) -> None:
        """Make all harmless at once, before anything is waited for."""
        for processor in processors:
            processor.abandon()
            self._ending.add(processor)

    def _cancel(self, processors: Iterable[Processor]) -> None:
        for processor in processors:
            processor.cancel()
            self._ending.discard(processor)

    def _mourn(self, leaving: dict[TopicPartition, Processor]) -> None:
        self._cancel(leaving.values())
        self._tell('on_revoke', list(leaving))

    def _tell(self, hook: str, partitions: Sequence[TopicPartition]) -> None:
        try:
            self._hooks.call(hook, partitions)
        except Exception:  # logged and counted by hooks; the partitions come and go all the same
            return
