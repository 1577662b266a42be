"""What the cache needs of section `[cache]`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drakkar.errors import ConfigError


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """How peers' files are read; durations in seconds."""

    enabled: bool = True
    interval_seconds: float = 30.0
    batch_size: int = 500
    timeout_seconds: float = 5.0
    cycle_deadline_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Durations in seconds; `db_dir` None: in memory only, without peers."""

    db_dir: Path | None = None
    max_memory_entries: int = 10_000
    flush_seconds: float = 3.0
    cleanup_seconds: float = 60.0
    tombstone_seconds: float = 86_400.0
    network_folder: bool = False
    temporary_name: bool = False  # the worker has another name after a restart
    sync: SyncSettings = field(default_factory=SyncSettings)
    busy_seconds: float = 2.0  # how long a write waits for another process's lock

    @classmethod
    def of(cls, config: Any) -> CacheSettings:
        """Return what section `[cache]` asks for; its folder is that of `[debug]` by default.

        Raises ConfigError where `db_dir` names something that is no folder.
        """
        cache = config.cache
        place = cache.db_dir or config.debug.db_dir
        folder = Path(place) if place else None
        if folder is not None and folder.exists() and not folder.is_dir():
            raise ConfigError(f'[cache] db_dir = {folder}: is no folder; name one, or none')
        sync = cache.peer_sync
        return cls(
            db_dir=folder,
            max_memory_entries=cache.max_memory_entries,
            flush_seconds=cache.flush_interval_seconds,
            cleanup_seconds=cache.cleanup_interval_seconds,
            tombstone_seconds=cache.tombstone_hours * 3600,
            network_folder=cache.network_folder,
            temporary_name=not config.is_named,
            sync=SyncSettings(
                enabled=sync.enabled,
                interval_seconds=sync.interval_seconds,
                batch_size=sync.batch_size,
                timeout_seconds=sync.timeout_seconds,
                cycle_deadline_seconds=sync.cycle_deadline_seconds,
            ),
        )

    @property
    def max_pending(self) -> int:
        """Most entries that wait to be written."""
        return max(1000, self.max_memory_entries)

    @property
    def stale_seconds(self) -> float:
        """After how long without a write a file has missed deletions, or soon will have."""
        return self.tombstone_seconds / 2
