"""The options of `[sinks.kafka.NAME]`."""

from __future__ import annotations

import drakkar.api as dk


class KafkaSinkOptions(dk.KafkaClientOptions):
    """Writes each payload as a record of a topic, acknowledged by all replicas in sync."""

    topic = dk.option.Str(required=True, description='Topic of payloads that name none themselves.')
    brokers = dk.option.List(
        default=(),
        description='Brokers to ask for the cluster, `host:port`. Empty: those of `[kafka]`, with '
        'its security options as far as this section leaves them at their defaults.',
    )
    create_topics = dk.option.Bool(
        default=True,
        description='Whether a topic that does not exist is made, where the brokers do so.',
    )
    compression = dk.option.Choice(
        ('none', 'gzip', 'snappy', 'lz4', 'zstd'),
        default='none',
        description='How batches are compressed; the last three need a package of their own.',
    )
    timeout_seconds = dk.option.Float(
        default=20,
        min=1,
        unit='seconds',
        description='How long the brokers may take to acknowledge one delivery; keep it below '
        '`sinks.delivery_timeout_seconds`.',
    )
    max_message_bytes = dk.option.Int(
        default=1 << 20,
        min=1024,
        unit='bytes',
        description='Largest record that is tried. The topic has a limit of its own '
        '(`max.message.bytes`).',
    )
