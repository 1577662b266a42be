"""Makes the embedded log known as source `log`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drakkar.contracts.source import SourceSpec
from drakkar.hookspecs import hookimpl
from drakkar.source.log.options import LogOptions
from drakkar.source.log.producer import LogProducer
from drakkar.source.log.source import LogSource


def build_source(config: Any, worker_id: str) -> LogSource:
    """Return the source of `[log]`."""
    return LogSource(config.log, worker_id)


def build_producer(config: Any, _client_id: str, topic: str = '') -> LogProducer:
    """Return a producer into the log of `[log]`, or into that of another `topic` beside it."""
    options = config.log
    return LogProducer(
        options.path, topic or options.topic, partitions=options.partitions, fsync=options.fsync
    )


def reads_topic(config: Any, topic: str) -> bool:
    """Return whether `[log]` consumes `topic`."""
    return bool(topic == config.log.topic)


@hookimpl
def drakkar_register_sources() -> Sequence[SourceSpec]:
    """Register the source `log`."""
    return [
        SourceSpec(
            name='log',
            build=build_source,
            options=LogOptions,
            label='Embedded log',
            build_producer=build_producer,
            reads=reads_topic,
        )
    ]
