"""What the recorder needs of section `[debug]`, in seconds and bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drakkar.errors import ConfigError


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """Durations in seconds; `db_dir` None: in memory only. Of limits, 0 means none."""

    db_dir: Path | None = None
    max_buffer: int = 50_000
    flush_seconds: float = 1.0
    rotation_seconds: float = 3600.0
    retention_seconds: float = 86_400.0
    retention_events: int = 2_000_000
    event_min_seconds: float = 0.0
    output_min_seconds: float = 0.5
    output_max_bytes: int = 65_536
    busy_seconds: float = 2.0  # how long a write waits for another process's lock

    @classmethod
    def of(cls, debug: Any) -> RecorderSettings:
        """Return the settings that section `[debug]` asks for.

        Raises ConfigError where `db_dir` names something that is no folder.
        """
        folder = Path(debug.db_dir) if debug.db_dir else None
        if folder is not None and folder.exists() and not folder.is_dir():
            raise ConfigError(f'[debug] db_dir = {folder}: is no folder; name one, or none')
        return cls(
            db_dir=folder,
            max_buffer=debug.max_buffer,
            flush_seconds=debug.flush_interval_seconds,
            rotation_seconds=debug.rotation_interval_minutes * 60,
            retention_seconds=debug.retention_hours * 3600,
            retention_events=debug.retention_max_events,
            event_min_seconds=debug.event_min_duration_ms / 1000,
            output_min_seconds=debug.output_min_duration_ms / 1000,
            output_max_bytes=debug.output_max_bytes,
        )

    @property
    def rotation_events(self) -> int:
        """Rows after which a file is full: a quarter of what is kept, so that files can go."""
        return max(1, self.retention_events // 4) if self.retention_events else 0
