"""The worker's state at one moment, for metrics, readiness and the UI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from drakkar.models.delivery import SinkRef
from drakkar.models.message import TopicPartition


@dataclass(slots=True)
class PartitionSnapshot:
    """One assigned partition. Offsets are None while unknown.

    `committed` is the next offset to consume as committed; `high_watermark` the
    offset the next produced message will get; `queued` messages wait for a
    window, `pending` ones are in a window and not complete.
    """

    partition: TopicPartition
    queued: int = 0
    pending: int = 0
    committed: int | None = None
    high_watermark: int | None = None
    stalled: int = 0
    draining: bool = False
    consumed_total: int = 0
    completed_total: int = 0

    @property
    def lag(self) -> int | None:
        """Messages not yet committed, or None while an offset is unknown."""
        if self.high_watermark is None or self.committed is None:
            return None
        return max(0, self.high_watermark - self.committed)


@dataclass(slots=True)
class PoolSnapshot:
    """The executor pool. `idle_slot_seconds` only grows; programs run in `busy_slots`."""

    max_executors: int
    active: int = 0
    waiting: int = 0
    idle_slot_seconds: float = 0.0
    busy_slots: Sequence[int] = ()


@dataclass(slots=True)
class SinkSnapshot:
    """One sink instance. `breaker` is 0 closed, 0.5 half open, 1 open; times since the epoch."""

    sink: SinkRef
    label: str = ''
    ui_url: str = ''
    queued: int = 0
    delivered: int = 0
    errors: int = 0
    retries: int = 0
    breaker: float = 0.0
    last_delivery_at: float | None = None
    last_delivery_seconds: float | None = None
    last_error: str = ''
    last_error_at: float | None = None


@dataclass(slots=True)
class RecorderState:
    """The flight recorder. `buffered` events are not written yet, `dropped` ones never will be.

    `path` is the current file, empty in memory; `problem` says why nothing can be
    written, since `problem_since` (seconds since the epoch), and is empty where it can.
    """

    buffered: int = 0
    written: int = 0
    dropped: int = 0
    path: str = ''
    problem: str = ''
    problem_since: float | None = None


@dataclass(slots=True)
class CachePeerState:
    """What became of reading one peer's cache file; counters only grow.

    `read` entries were newer than what was known of the peer, `taken` ones were newer than
    what was here. `problem` is that of the last attempt; `synced_at` is in seconds since
    the epoch, 0 for never.
    """

    name: str
    worker: str = ''
    cluster: str = ''
    read: int = 0
    taken: int = 0
    errors: int = 0
    timeouts: int = 0
    damaged: int = 0
    stale: bool = False
    problem: str = ''
    synced_at: float = 0.0


@dataclass(slots=True)
class CacheState:
    """The handler's cache; counters only grow. `disk_entries` is of the last cleanup where
    there are many.

    `pending` entries are not on disk yet, `dropped` ones never will be. `problem` says why
    nothing can be written, since `problem_since` (seconds since the epoch).
    """

    memory_entries: int = 0
    max_memory_entries: int = 0
    pending: int = 0
    disk_entries: int = 0
    path: str = ''
    hits_memory: int = 0
    hits_sqlite: int = 0
    misses: int = 0
    writes: dict[str, int] = field(default_factory=dict)
    deletes: int = 0
    evictions: int = 0
    dropped: int = 0
    problem: str = ''
    problem_since: float | None = None
    sync_cycles: int = 0
    sync_problem: str = ''
    peers: list[CachePeerState] = field(default_factory=list)


@dataclass(slots=True)
class WebappClientState:
    """One client of the HTTP endpoint; counts are of the last 60 seconds.

    `refused` requests were not taken on: too many, or not what the endpoint takes.
    """

    name: str
    rpm: int
    ok: int = 0
    errors: int = 0
    refused: int = 0


@dataclass(slots=True)
class WebappState:
    """The HTTP endpoint. `unknown` requests of the last 60 seconds were of no client."""

    in_flight: int = 0
    max_concurrent: int = 0
    clients: list[WebappClientState] = field(default_factory=list)
    unknown: int = 0


@dataclass(slots=True)
class WorkerSnapshot:
    """All of the above for one worker."""

    worker_id: str
    cluster: str
    started_at: float
    partitions: list[PartitionSnapshot] = field(default_factory=list)
    pool: PoolSnapshot = field(default_factory=lambda: PoolSnapshot(0))
    sinks: list[SinkSnapshot] = field(default_factory=list)
    paused: bool = False
    total_queued: int = 0
    consumer_idle_seconds: float = 0.0
    state: str = 'starting'
    source_problem: str = ''
    recorder: RecorderState | None = None
    cache: CacheState | None = None
    webapp: WebappState | None = None

    @property
    def stalled(self) -> int:
        return sum(p.stalled for p in self.partitions)
