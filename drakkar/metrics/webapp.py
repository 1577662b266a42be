"""The HTTP endpoint at scrape time."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from drakkar.models.snapshot import WebappState


def webapp_families(state: WebappState | None) -> Iterator[Metric]:
    """Return the gauges of the endpoint, without clients where the worker has none."""
    webapp = state or WebappState()
    yield GaugeMetricFamily('drakkar_webapp_inflight', 'HTTP requests under way.', webapp.in_flight)
    limits = GaugeMetricFamily(
        'drakkar_webapp_rpm_limit',
        'Most requests of a client in 60 seconds, as configured.',
        labels=['client'],
    )
    for client in webapp.clients:
        limits.add_metric([client.name], client.rpm)
    yield limits
