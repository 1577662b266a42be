"""The producers of a replay: one for each topic that is written to."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from drakkar.cli.common import Loaded
from drakkar.contracts.source import BuildProducer, Producer, ProducerRecord
from drakkar.errors import ConfigError

if TYPE_CHECKING:
    from typing_extensions import Self


class Targets:
    """Writes into topics of the configured source, and connects to each when it comes up.

    Raises ConfigError where the source can only be read.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._config = loaded.config
        spec = loaded.plugins.sources[self._config.drakkar.source]
        if spec.build_producer is None:
            raise ConfigError(f'source {spec.name} can only be read: nothing can be replayed to it')
        self._build: BuildProducer = spec.build_producer
        self._producers: dict[str, Producer] = {}
        self._stack = ExitStack()

    def write(self, topic: str, records: list[ProducerRecord]) -> None:
        """Write records into `topic`, durable on return. Raises as `Producer` does."""
        producer = self._producers.get(topic)
        if producer is None:
            producer = self._build(self._config, self._config.worker_id, topic)
            self._producers[topic] = self._stack.enter_context(producer)
        producer.append_many(records)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()
