"""Stores watermarks: per partition, coalesced, and again until it worked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Any

import gevent
import structlog
from gevent.event import Event
from gevent.lock import RLock

from drakkar import backoff
from drakkar.contracts.observer import Observer
from drakkar.contracts.source import Source
from drakkar.errors import PartitionLostError, SourceError
from drakkar.models.message import TopicPartition

log = structlog.get_logger('drakkar.commit')

_BACKOFF_SECONDS = 0.1
_BACKOFF_MAX_SECONDS = 5.0
# How often the same outage is logged; between, commits are tried on.
_REPEAT_SECONDS = 10.0
# A rebalance waits for the drains of others; one that takes longer is nothing ordinary any more.
_EXPECTED_SECONDS = 60.0


class Committer:
    """Collects the watermarks of all partitions and commits them in one call.

    `options` is the `[source]` section. `lost(partitions)` is told when a commit
    shows that another worker owns them.
    """

    def __init__(
        self,
        source: Source,
        observer: Observer,
        options: Any,
        lost: Callable[[Sequence[TopicPartition]], None],
    ) -> None:
        self._source = source
        self._observer = observer
        self._interval = options.commit_interval_ms / 1000
        self._lost = lost
        self._waiting: dict[TopicPartition, int] = {}
        # What a commit under way may have to put back: less by what is given up meanwhile.
        self._under_way: dict[TopicPartition, int] = {}
        self._wakeup = Event()
        self._lock = RLock()
        self._failures = 0  # since the last commit that worked
        self._failing_since = 0.0
        self._told = ''
        self._told_at = 0.0

    def mark(self, partition: TopicPartition, offset: int) -> None:
        """Note that a partition may be committed up to `offset`, the next to consume."""
        self._waiting[partition] = offset
        self._wakeup.set()

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Never commit these again: they are given up."""
        for partition in partitions:
            self._waiting.pop(partition, None)
            self._under_way.pop(partition, None)

    def run(self) -> None:
        """Commit whenever there is something, at most once an interval; never returns."""
        failures = 0
        while True:
            self._wakeup.wait()
            gevent.sleep(self._interval)
            self._wakeup.clear()
            if self.flush():
                failures = 0
                continue
            failures += 1
            gevent.sleep(backoff.delay_seconds(failures, _BACKOFF_SECONDS, _BACKOFF_MAX_SECONDS))
            self._wakeup.set()

    def flush(self, only: Iterable[TopicPartition] | None = None) -> bool:
        """Commit what waits (of `only` these partitions); return whether all is stored."""
        with self._lock:
            names = list(self._waiting) if only is None else list(only)
            offsets = {p: self._waiting.pop(p) for p in names if p in self._waiting}
            if not offsets:
                return True
            self._under_way = dict(offsets)
            try:
                self._source.commit(offsets)
            except PartitionLostError as error:
                return self._give_up(error)
            except SourceError as error:
                self._put_back()
                self._tell(error, len(offsets))
                return False
            except BaseException:
                self._put_back()  # killed half way: nobody knows, so once more
                raise
            finally:
                self._under_way = {}
            self._failures, self._told = 0, ''
            self._observer.committed(offsets)
            return True

    def _tell(self, error: SourceError, partitions: int) -> None:
        """Log a failure, but of equal ones in a row only one now and then, and count it.

        What is expected and passes is no failure for as long.
        """
        self._failures += 1
        now = monotonic()
        if self._failures == 1:
            self._failing_since = now
        waits = error.expected and now - self._failing_since < _EXPECTED_SECONDS
        if not waits:
            self._observer.source_error(error)
        event = 'commit_waits' if waits else 'commit_failed'
        if event == self._told and now - self._told_at < _REPEAT_SECONDS:
            return
        self._told, self._told_at = event, now
        if waits:
            log.info(event, reason=str(error), partitions=partitions)
        else:
            log.warning(event, error=str(error), partitions=partitions, failures=self._failures)

    def _put_back(self) -> None:
        for partition, offset in self._under_way.items():
            self._waiting.setdefault(partition, offset)

    def _give_up(self, error: PartitionLostError) -> bool:
        """Tell what is lost, put back the rest; return whether there is no rest.

        A partition that was given up while the commit ran may be ours anew by now:
        the error speaks of an assignment that everybody knows to be over.
        """
        lost = [
            p for p in error.partitions if isinstance(p, TopicPartition) and p in self._under_way
        ]
        for partition in lost:
            del self._under_way[partition]
        self._put_back()
        rest = bool(self._under_way)
        if lost:
            self._lost(lost)
        return not rest
