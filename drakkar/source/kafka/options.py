"""The `[kafka]` section."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, validates_schema

from drakkar.config import option
from drakkar.kafka_client import KafkaClientOptions


class KafkaOptions(KafkaClientOptions):
    """Kafka: the topics that are read, the consumer group, and the connection."""

    source_topic = option.List(
        default=(), description='Topic to read; several are separated by commas.'
    )
    source_pattern = option.Str(
        default='',
        description='Instead of names, a regular expression that the whole name of a topic must '
        'match. Topics that appear later are read too, dead letter queues never.',
    )
    consumer_group = option.Str(
        required=True,
        description='Consumer group: its workers share the partitions and the committed offsets.',
    )
    auto_offset_reset = option.Choice(
        ('earliest', 'latest'),
        default='earliest',
        description='Where a group begins that has committed nothing: with all that the topic '
        'holds, or with what comes after it first joined.',
    )
    session_timeout_ms = option.Int(
        default=45000,
        min=1000,
        unit='milliseconds',
        description='A worker that the group did not hear of for so long loses its partitions.',
    )
    heartbeat_interval_ms = option.Int(
        default=1000,
        min=100,
        unit='milliseconds',
        description='How often the worker tells the group that it lives, and so the time in '
        'which it notices a rebalance.',
    )
    max_poll_interval_ms = option.Int(
        default=300000,
        min=5000,
        unit='milliseconds',
        description='Longest time that a rebalance waits for this worker. A drain of revoked '
        'partitions may take half of it.',
    )
    fetch_max_wait_ms = option.Int(
        default=100,
        min=1,
        unit='milliseconds',
        description='How long a broker holds a request for messages when there are none. It '
        'answers at once when one arrives.',
    )
    fetch_max_bytes = option.Int(
        default=8 << 20,
        min=1024,
        unit='bytes',
        description='Most that one request to a broker brings, unless its first message is larger.',
    )
    max_partition_fetch_bytes = option.Int(
        default=256 << 10,
        min=1024,
        unit='bytes',
        description='Most that one request brings of one partition, unless its first message is '
        'larger.',
    )
    isolation_level = option.Choice(
        ('read_uncommitted', 'read_committed'),
        default='read_uncommitted',
        description='Whether messages of transactions that are open or were aborted are read.',
    )
    check_crcs = option.Bool(
        default=True, description='Whether the checksums of fetched messages are checked.'
    )
    client_rack = option.Str(
        default='', description='Where this worker runs, so that it may read from a near replica.'
    )
    startup_align_enabled = option.Bool(
        default=False,
        description='Whether the group is joined at a moment that all workers share, so that a '
        'fleet that restarts goes through one rebalance.',
    )
    startup_min_wait_seconds = option.Float(
        default=5,
        min=0,
        unit='seconds',
        description='With it, the first join waits at least so long.',
    )
    startup_align_interval_seconds = option.Float(
        default=15,
        min=0.1,
        unit='seconds',
        description='And then until the next multiple of this, counted from the epoch.',
    )

    @validates_schema
    def _check_topics(self, values: dict[str, Any], **kwargs: Any) -> None:
        both = bool(values['source_topic']) == bool(values['source_pattern'])
        # `partial`: another source is configured, this section only has to be right.
        if both and (values['source_topic'] or not kwargs.get('partial')):
            raise ValidationError('give either source_topic or source_pattern')
        try:
            re.compile(values['source_pattern'])
        except re.error as error:
            raise ValidationError(
                f'source_pattern {values["source_pattern"]!r} is no regular expression: {error}'
            ) from None

    @validates_schema
    def _check_times(self, values: dict[str, Any], **kwargs: Any) -> None:
        option.below(values, 'heartbeat_interval_ms', 'session_timeout_ms')
        option.below(values, 'fetch_max_wait_ms', 'request_timeout_ms')
