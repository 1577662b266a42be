"""Counters and histograms that cost the pipeline next to nothing.

prometheus_client's own take a lock and several calls for each event, since they
may be used by any thread. These belong to the hub's thread, where every observer
is called, and hand their state over when the registry is scraped.
"""

from __future__ import annotations

import abc
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Count:
    """One series of a counter: add to `value`."""

    __slots__ = ('value',)

    def __init__(self) -> None:
        self.value = 0.0


class Distribution:
    """One labelled histogram: how many observations fell into each bucket, and their sum."""

    __slots__ = ('bounds', 'counts', 'sum')

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


C = TypeVar('C', Count, Distribution)


class Children(dict[Any, C], Generic[C]):
    """Series by label value, or by the tuple of several; made at first use."""

    def __init__(self, make: Callable[[], C]) -> None:
        super().__init__()
        self._make: Callable[[], C] = make

    def __missing__(self, key: str | tuple[str, ...]) -> C:
        child = self[key] = self._make()
        return child


class _Family(Collector, Generic[C]):
    """A metric with all its series; registers itself."""

    def __init__(
        self,
        name: str,
        meaning: str,
        labels: tuple[str, ...],
        registry: CollectorRegistry,
        make: Callable[[], C],
    ) -> None:
        self.name = name
        self.meaning = meaning
        self.labels = labels
        self.children: Children[C] = Children(make)
        if not labels:
            self.children[()]  # exported as zero from the start
        registry.register(self)

    @property
    def only(self) -> C:
        """The one series of a metric without labels."""
        return self.children[()]

    def describe(self) -> list[Metric]:
        return [self._empty()]

    def collect(self) -> list[Metric]:
        family = self._empty()
        for key, child in list(self.children.items()):
            self._add(family, (key,) if isinstance(key, str) else key, child)
        return [family]

    @abc.abstractmethod
    def _empty(self) -> Any: ...

    @abc.abstractmethod
    def _add(self, family: Any, labels: tuple[str, ...], child: C) -> None: ...


class CounterFamily(_Family[Count]):
    """A counter; its name ends with `_total`."""

    def __init__(
        self, name: str, meaning: str, labels: tuple[str, ...], registry: CollectorRegistry
    ) -> None:
        super().__init__(name, meaning, labels, registry, Count)

    def _empty(self) -> CounterMetricFamily:
        return CounterMetricFamily(self.name, self.meaning, labels=self.labels)

    def _add(self, family: CounterMetricFamily, labels: tuple[str, ...], child: Count) -> None:
        family.add_metric(labels, child.value)


class HistogramFamily(_Family[Distribution]):
    """A histogram; `buckets` are upper bounds in ascending order, without infinity."""

    def __init__(
        self,
        name: str,
        meaning: str,
        labels: tuple[str, ...],
        registry: CollectorRegistry,
        buckets: Sequence[float],
    ) -> None:
        self._bounds = [floatToGoString(b) for b in (*buckets, float('inf'))]
        super().__init__(name, meaning, labels, registry, lambda: Distribution(buckets))

    def _empty(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self.name, self.meaning, labels=self.labels)

    def _add(
        self, family: HistogramMetricFamily, labels: tuple[str, ...], child: Distribution
    ) -> None:
        total = 0
        buckets: list[Any] = []
        for bound, count in zip(self._bounds, child.counts, strict=True):
            total += count
            buckets.append((bound, total))
        family.add_metric(labels, buckets, child.sum)
