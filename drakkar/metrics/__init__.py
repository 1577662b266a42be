"""Prometheus metrics of one worker: what is counted, what is read at scrape time, and the server.

One CollectorRegistry a worker, so that several workers can live in one process.
"""

from __future__ import annotations

from drakkar.metrics.exporter import MetricsExporter
from drakkar.metrics.observer import MetricsObserver
from drakkar.metrics.snapshot import SnapshotCollector
from drakkar.metrics.user import user_metrics

__all__ = ['MetricsExporter', 'MetricsObserver', 'SnapshotCollector', 'user_metrics']
