"""Stores watermarks: per partition, coalesced, and again until it worked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
        self._wakeup = Event()
        self._lock = RLock()

    def mark(self, partition: TopicPartition, offset: int) -> None:
        """Note that a partition may be committed up to `offset`, the next to consume."""
        self._waiting[partition] = offset
        self._wakeup.set()

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Never commit these again: they are given up."""
        for partition in partitions:
            self._waiting.pop(partition, None)

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
            try:
                self._source.commit(offsets)
            except PartitionLostError as error:
                self._give_up(error, offsets)
                return True
            except SourceError as error:
                self._observer.source_error(error)
                log.warning('commit_failed', error=str(error), partitions=len(offsets))
                self._put_back(offsets)
                return False
            except BaseException:
                self._put_back(offsets)  # killed half way: nobody knows, so once more
                raise
            self._observer.committed(offsets)
            return True

    def _put_back(self, offsets: dict[TopicPartition, int]) -> None:
        for partition, offset in offsets.items():
            self._waiting.setdefault(partition, offset)

    def _give_up(self, error: PartitionLostError, offsets: dict[TopicPartition, int]) -> None:
        lost = [p for p in error.partitions if isinstance(p, TopicPartition)]
        self._put_back({p: o for p, o in offsets.items() if p not in lost})
        if self._waiting:
            self._wakeup.set()
        self._lost(lost)
