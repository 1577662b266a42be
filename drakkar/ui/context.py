"""All that a page may know of its worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry

from drakkar.cache import WorkerCache
from drakkar.handler import Handler
from drakkar.models.snapshot import WorkerSnapshot
from drakkar.peers import Peers
from drakkar.recorder import Recorder
from drakkar.recorder.databases import Databases
from drakkar.ui.merging import Merger
from drakkar.ui.switcher import Switcher
from drakkar.worker.periodic import PeriodicState


@dataclass(frozen=True, slots=True)
class UiContext:
    """What views read. Callables must not wait; `ports` has `metrics` and `debug`, 0 if off.

    `peers` looks at the shared folder (waits for the disk), `switcher` remembers what it
    saw. `recorder`, `cache`, `live` and `probe` are None where the worker has none.
    """

    config: Any
    worker_id: str
    cluster: str
    handler_class: type[Handler]
    registry: CollectorRegistry
    snapshot: Callable[[], WorkerSnapshot]
    not_ready: Callable[[], Sequence[str]]
    periodic: Callable[[], Sequence[PeriodicState]]
    ports: Callable[[], Mapping[str, int]]
    peers: Peers
    switcher: Switcher
    databases: Databases = field(default_factory=lambda: Databases(''))
    merger: Merger = field(default_factory=Merger)
    recorder: Recorder | None = None
    cache: WorkerCache | None = None
    live: Any = None
    probe: Any = None

    @property
    def max_rows(self) -> int:
        """Most rows that a page or a query returns."""
        rows: int = self.config.debug.max_ui_rows
        return rows
