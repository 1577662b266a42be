"""Where a section names no brokers: the connection of the source."""

from __future__ import annotations

from typing import Any

import drakkar.api as dk
from drakkar_sink_kafka.options import KafkaSinkOptions

SOURCE_SECTION = 'kafka'


def take_source_connection(options: Any, config: Any) -> None:
    """Give `options` without brokers those of `[kafka]`, and its security with them.

    What this section sets itself stays. With brokers of its own nothing is taken:
    they shall not be shown the source's password. Raises ConfigError where `[kafka]`
    has no brokers either, or the two do not go together.
    """
    if options.brokers:
        return
    source = getattr(config, SOURCE_SECTION, None)
    if not getattr(source, 'brokers', None):
        raise dk.ConfigError(f'brokers: missing here, and in [{SOURCE_SECTION}] too')
    fields: Any = KafkaSinkOptions().fields
    names = list(dk.KafkaClientOptions().fields)
    for name in names:
        if getattr(options, name) in (None, fields[name].default):
            setattr(options, name, getattr(source, name))
    problem = dk.KafkaClientOptions.problem({name: getattr(options, name) for name in names})
    if problem:
        raise dk.ConfigError(problem)
