"""Where a count goes: one factory for each type of sink that is configured.

The package of a sink is imported only where such a sink is configured, so the
others need not be installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import drakkar.api as dk

Make = Callable[[Mapping[str, Any]], dk.Payload]


def _filesystem() -> Make:
    from drakkar_sink_filesystem import FilePayload

    return lambda data: FilePayload('symbol-counts.jsonl', data)


def _kafka() -> Make:
    from drakkar_sink_kafka import KafkaPayload

    return lambda data: KafkaPayload(data, key='{topic}:{partition}:{offset}'.format_map(data))


FACTORIES: dict[str, Callable[[], Make]] = {'filesystem': _filesystem, 'kafka': _kafka}


def results_of(sink_types: Iterable[str]) -> list[Make]:
    """Return the factories for the configured sink types."""
    return [FACTORIES[sink_type]() for sink_type in sink_types if sink_type in FACTORIES]
