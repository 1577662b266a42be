"""Every metric of this process: the worker's, the handler's, and those of Python."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics_core import Metric

from drakkar.metrics.reference import describe
from drakkar.metrics.user import user_metrics
from drakkar.ui import links
from drakkar.ui.context import UiContext
from drakkar.ui.data.counters import of_worker, rate
from drakkar.ui.schema import INTEGER, NUMBER, TEXT, listing, mapping, maybe, record

FRAMEWORK, USER, PROCESS = SOURCES = ('framework', 'user', 'process')
MAX_SERIES = 200  # of one metric; the others are counted

SERIES = record(
    labels=mapping(TEXT),
    value=maybe(NUMBER),
    count=maybe(NUMBER),
    sum=maybe(NUMBER),
    mean=maybe(NUMBER),
    p95=maybe(NUMBER),
)
METRIC = record(
    name=TEXT,
    type=TEXT,
    source=TEXT,
    attribute=TEXT,
    meaning=TEXT,
    labels=listing(TEXT),
    series=listing(SERIES),
    series_count=INTEGER,
    graph=TEXT,
)
METRICS = record(
    metrics=listing(METRIC), total=INTEGER, sources=mapping(INTEGER), q=TEXT, source=TEXT
)

_SUFFIXES = {'counter': '_total', 'info': '_info'}


def metrics(context: UiContext, q: str = '', source: str = '') -> dict[str, Any]:
    """Return the metrics that have all words of `q` in their name, labels or meaning.

    An unknown `source` stands for all. `sources` counts what there is of each.
    """
    source = source if source in SOURCES else ''
    rows = sorted(_all(context), key=lambda row: (SOURCES.index(row['source']), row['name']))
    shown = [row for row in rows if source in ('', row['source']) and matches(row, q)]
    counts = {name: sum(row['source'] == name for row in rows) for name in SOURCES}
    return {'metrics': shown, 'total': len(rows), 'sources': counts, 'q': q, 'source': source}


def matches(row: dict[str, Any], q: str) -> bool:
    """Return whether a metric has all words of `q`, ignoring case."""
    text = ' '.join([row['name'], row['attribute'], row['meaning'], *row['labels']]).lower()
    return all(word in text for word in q.lower().split())


def _all(context: UiContext) -> Iterator[dict[str, Any]]:
    """Yield every metric once: a name that two registries have is the first one's, as exported."""
    seen: set[str] = set()
    attributes = _attributes(context)
    for source, families, labels in _families(context):
        for family in families:
            name = family.name + _SUFFIXES.get(family.type, '')
            if name in seen:
                continue
            seen.add(name)
            attribute = '' if source == FRAMEWORK else attributes.get(family.name, '')
            yield _row(context, family, name, USER if attribute else source, attribute, labels)


def _families(
    context: UiContext,
) -> Iterator[tuple[str, Sequence[Metric], dict[str, tuple[str, ...]]]]:
    for source, registry in ((FRAMEWORK, context.registry), (PROCESS, REGISTRY)):
        yield source, list(registry.collect()), _label_names(registry)
    # Those that the handler registered nowhere, or in a registry of its own.
    for metric in user_metrics(context.handler_class).values():
        names = tuple(metric._labelnames)
        families = list(metric.collect())
        yield USER, families, {f.name + _SUFFIXES.get(f.type, ''): names for f in families}


def _attributes(context: UiContext) -> dict[str, str]:
    """Return which family is which attribute of the handler."""
    return {
        family.name: f'{context.handler_class.__name__}.{attribute}'
        for attribute, metric in user_metrics(context.handler_class).items()
        for family in metric.collect()
    }


def _label_names(registry: CollectorRegistry) -> dict[str, tuple[str, ...]]:
    return {row.name: row.labels for row in describe(registry)}


def _row(
    context: UiContext,
    family: Metric,
    name: str,
    source: str,
    attribute: str,
    labels: dict[str, tuple[str, ...]],
) -> dict[str, Any]:
    series = _series(family)
    names = labels.get(name) or tuple(dict.fromkeys(n for s in series for n in s['labels']))
    return {
        'name': name,
        'type': family.type,
        'source': source,
        'attribute': attribute,
        'meaning': family.documentation,
        'labels': list(names),
        'series': series[:MAX_SERIES],
        'series_count': len(series),
        'graph': links.prometheus(
            context.config.debug.prometheus_url,
            of_worker(_promql(family.type, name), context.worker_id),
        ),
    }


def _series(family: Metric) -> list[dict[str, Any]]:
    """Return one entry for each set of labels; a histogram's buckets become numbers for people."""
    found: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    buckets: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    for sample in family.samples:
        if sample.name == f'{family.name}_created':
            continue
        labels = {n: str(v) for n, v in sample.labels.items() if n not in ('le', 'quantile')}
        key = tuple(labels.items())
        entry = found.setdefault(
            key, {'labels': labels, **dict.fromkeys(('value', 'count', 'sum', 'mean', 'p95'))}
        )
        if 'le' in sample.labels:
            buckets.setdefault(key, []).append((float(sample.labels['le']), sample.value))
            continue
        kind = sample.name.removeprefix(f'{family.name}_')
        distribution = family.type in ('histogram', 'summary')
        entry[kind if distribution and kind in ('count', 'sum') else 'value'] = _finite(
            sample.value
        )
    for key, entry in found.items():
        if entry['count']:
            entry['mean'] = None if entry['sum'] is None else entry['sum'] / entry['count']
            entry['p95'] = quantile(0.95, buckets.get(key, ()))
    return list(found.values())


def quantile(q: float, buckets: Sequence[tuple[float, float]]) -> float | None:
    """Return a quantile of cumulative buckets (upper bound, count) as Prometheus estimates it.

    None where there is nothing; the highest finite bound where it lies beyond.
    """
    total = buckets[-1][1] if buckets else 0
    if not total:
        return None
    rank = q * total
    lower, below = 0.0, 0.0
    for upper, count in buckets:
        if count >= rank:
            if math.isinf(upper):
                return lower
            share = (rank - below) / (count - below) if count > below else 1.0
            return lower + (upper - lower) * share
        lower, below = upper, count
    return None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _promql(kind: str, name: str) -> str:
    """Return what to draw of a metric: a rate, the mean of a distribution, or itself."""
    if kind == 'counter':
        return rate(name)
    if kind in ('histogram', 'summary'):
        return f'{rate(f"{name}_sum")} / {rate(f"{name}_count")}'
    return name
