"""Makes Kafka known as source `kafka`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from drakkar.contracts.source import SourceSpec
from drakkar.errors import ConfigError
from drakkar.hookspecs import hookimpl
from drakkar.kafka_client import KafkaClient
from drakkar.source.kafka.options import KafkaOptions
from drakkar.source.kafka.topics import Topics

if TYPE_CHECKING:
    from drakkar.source.kafka.dead_letter_reader import KafkaDeadLetterReader
    from drakkar.source.kafka.dead_letters import KafkaDeadLetters
    from drakkar.source.kafka.producer import TopicProducer
    from drakkar.source.kafka.source import KafkaSource

# What imports kafka-python is imported by what needs it: every command loads this module.


def build_source(config: Any, worker_id: str) -> KafkaSource:
    """Return the source of `[kafka]`."""
    from drakkar.source.kafka.source import KafkaSource

    return KafkaSource(config.kafka, _topics(config), worker_id)


def build_dead_letters(config: Any, worker_id: str) -> KafkaDeadLetters:
    """Return the dead letter queue in the cluster of `[kafka]`."""
    from drakkar.source.kafka.dead_letters import KafkaDeadLetters

    return KafkaDeadLetters(KafkaClient('kafka', config.kafka, worker_id), _topics(config))


def build_dead_letter_reader(config: Any, client_id: str) -> KafkaDeadLetterReader:
    """Return what reads the dead letter topics in the cluster of `[kafka]`."""
    from drakkar.source.kafka.dead_letter_reader import KafkaDeadLetterReader

    return KafkaDeadLetterReader(KafkaClient('kafka', config.kafka, client_id), _topics(config))


def build_producer(config: Any, client_id: str, topic: str = '') -> TopicProducer:
    """Return a producer into `topic`, which must exist, or else into that of `[kafka]`.

    Raises ConfigError where that is not exactly one.
    """
    from drakkar.source.kafka.producer import TopicProducer

    names = [topic] if topic else config.kafka.source_topic
    if len(names) != 1:
        raise ConfigError('[kafka] source_topic: to produce, it must name exactly one topic')
    client = KafkaClient('kafka', config.kafka, client_id)
    # Whoever names a topic by hand may misspell it.
    return TopicProducer(client, names[0], must_exist=bool(topic))


def reads_topic(config: Any, topic: str) -> bool:
    """Return whether `[kafka]` consumes `topic`."""
    return _topics(config).read(topic)


def _topics(config: Any) -> Topics:
    options = config.kafka
    return Topics(options.source_topic, options.source_pattern, config.dlq.topic)


@hookimpl
def drakkar_register_sources() -> Sequence[SourceSpec]:
    """Register the source `kafka`."""
    return [
        SourceSpec(
            name='kafka',
            build=build_source,
            options=KafkaOptions,
            label='Kafka',
            group_option='consumer_group',
            build_dead_letters=build_dead_letters,
            build_dead_letter_reader=build_dead_letter_reader,
            build_producer=build_producer,
            reads=reads_topic,
        )
    ]
