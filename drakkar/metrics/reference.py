"""Lists what a registry exports, for the reference page and the UI."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from drakkar.metrics.observer import MetricsObserver
from drakkar.metrics.snapshot import SnapshotCollector
from drakkar.models.snapshot import WorkerSnapshot


@dataclass(frozen=True)
class MetricRow:
    """One metric as Prometheus shows it: the name has its suffix, labels are in order."""

    name: str
    type: str
    labels: tuple[str, ...]
    meaning: str


def describe(registry: CollectorRegistry) -> list[MetricRow]:
    """Return every metric of a registry, by name."""
    return sorted(_rows(registry), key=lambda row: row.name)


def framework_metrics() -> list[MetricRow]:
    """Return every metric that a worker has of itself, by name."""
    registry = CollectorRegistry()
    MetricsObserver(registry)
    registry.register(SnapshotCollector(lambda: WorkerSnapshot('', '', 0.0)))
    return describe(registry)


def table(rows: list[MetricRow]) -> str:
    """Return the rows as the Markdown table of the reference page."""
    lines = ['| Metric | Type | Labels | Meaning |', '|---|---|---|---|']
    for row in rows:
        labels = ', '.join(f'`{label}`' for label in row.labels) or '-'
        lines.append(f'| `{row.name}` | {row.type} | {labels} | {row.meaning} |')
    return '\n'.join(lines) + '\n'


def _rows(registry: CollectorRegistry) -> Iterator[MetricRow]:
    # The registry offers no public way to list metrics that have no sample yet.
    for collector in list(registry._collector_to_names):
        for family in getattr(collector, 'describe', collector.collect)():
            labels = tuple(getattr(family, '_labelnames', getattr(collector, '_labelnames', ())))
            yield MetricRow(_full_name(family), family.type, labels, family.documentation)


def _full_name(family: Metric) -> str:
    suffix = {'counter': '_total', 'info': '_info'}.get(family.type, '')
    return family.name + suffix


if __name__ == '__main__':
    print(table(framework_metrics()), end='')
