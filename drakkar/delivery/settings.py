"""The options of delivery: those all sink instances share, and each one's own."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar('T')


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """What `[sinks]` and `[dlq]` say; times are in seconds.

    `max_retries` counts the retries after RETRY, not the quick ones inside one
    attempt. `on_send_failure` is `stall` or `drop`.
    """

    delivery_timeout_seconds: float = 30.0
    max_retries: int = 3
    retry_backoff_seconds: float = 0.5
    retry_backoff_max_seconds: float = 30.0
    connect_attempts: int = 5
    connect_backoff_seconds: float = 1.0
    on_send_failure: str = 'stall'
    dlq_backoff_seconds: float = 1.0
    dlq_backoff_max_seconds: float = 30.0

    @classmethod
    def of(cls, sinks: Any, dlq: Any) -> DeliverySettings:
        """Read the two sections."""
        return dataclasses.replace(
            _read(cls, sinks),
            on_send_failure=dlq.on_send_failure,
            dlq_backoff_seconds=dlq.retry_backoff_seconds,
            dlq_backoff_max_seconds=dlq.retry_backoff_max_seconds,
        )


@dataclass(frozen=True, slots=True)
class InstanceSettings:
    """What every `[sinks.TYPE.NAME]` says.

    At most `queue_max` payloads wait (one submission may go over it), a batch
    has up to `batch_max`, and waits up to `linger_ms` milliseconds for more of
    them. The last two are the breaker's.
    """

    queue_max: int = 1000
    batch_max: int = 500
    linger_ms: float = 0
    failure_threshold: int = 5
    cooldown_seconds: float = 30.0
    ui_url: str = ''

    @classmethod
    def of(cls, options: Any) -> InstanceSettings:
        """Read an instance's section; a test's may leave out what it does not care about."""
        return _read(cls, options)


def _read(cls: type[T], section: Any) -> T:
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    return cls(**{name: getattr(section, name) for name in names if hasattr(section, name)})
