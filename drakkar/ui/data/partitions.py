"""The partitions that are assigned now."""

from __future__ import annotations

from typing import Any

from drakkar.models.snapshot import PartitionSnapshot, WorkerSnapshot
from drakkar.ui import links
from drakkar.ui.schema import INTEGER, TEXT, listing, maybe, record

PARTITION = record(
    key=TEXT,
    topic=TEXT,
    partition=INTEGER,
    label=TEXT,
    url=TEXT,
    queued=INTEGER,
    pending=INTEGER,
    committed=maybe(INTEGER),
    high_watermark=maybe(INTEGER),
    lag=maybe(INTEGER),
    stalled=INTEGER,
    consumed=INTEGER,
    completed=INTEGER,
    state=TEXT,
)
PARTITIONS = listing(PARTITION)


def partitions(state: WorkerSnapshot) -> list[dict[str, Any]]:
    """Return every assigned partition, in order."""
    several = len({p.partition.topic for p in state.partitions}) > 1
    return [_row(p, state.paused, several) for p in state.partitions]


def find(state: WorkerSnapshot, number: int, topic: str = '') -> list[dict[str, Any]]:
    """Return the assigned partitions of that number, of one topic where given."""
    return [
        row
        for row in partitions(state)
        if row['partition'] == number and topic in ('', row['topic'])
    ]


def _row(p: PartitionSnapshot, paused: bool, several_topics: bool) -> dict[str, Any]:
    topic, number = p.partition
    return {
        'key': str(p.partition),
        'topic': topic,
        'partition': number,
        'label': str(p.partition) if several_topics else str(number),
        'url': links.partition(topic, number),
        'queued': p.queued,
        'pending': p.pending,
        'committed': p.committed,
        'high_watermark': p.high_watermark,
        'lag': p.lag,
        'stalled': p.stalled,
        'consumed': p.consumed_total,
        'completed': p.completed_total,
        'state': _state(p, paused),
    }


def _state(p: PartitionSnapshot, paused: bool) -> str:
    if p.stalled:
        return 'stalled'
    if p.draining:
        return 'draining'
    if paused and p.queued:
        return 'paused'
    return 'busy' if p.queued or p.pending else 'idle'
