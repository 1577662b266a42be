"""The `[sinks]` section, and the options that every sink instance has."""

from __future__ import annotations

from typing import Any

from marshmallow import validates_schema

from drakkar.config import option
from drakkar.config.option import OptionSchema


class SinksOptions(OptionSchema):
    """What holds for all sinks; each sink instance is a section `[sinks.TYPE.NAME]`."""

    delivery_timeout_seconds = option.Float(
        default=30, min=0.001, unit='seconds', description='Longest time for one delivery.'
    )
    max_retries = option.Int(
        default=3,
        min=0,
        description='Further deliveries when the handler says RETRY; then the dead letter queue.',
    )
    retry_backoff_seconds = option.Float(
        default=0.5, min=0, unit='seconds', description='Wait before the first retry; it doubles.'
    )
    retry_backoff_max_seconds = option.Float(
        default=30, min=0, unit='seconds', description='Longest wait before a retry.'
    )
    connect_attempts = option.Int(
        default=5, min=1, description='Tries to connect a sink before the worker gives up to start.'
    )
    connect_backoff_seconds = option.Float(
        default=1, min=0, unit='seconds', description='Wait after the first of them; it doubles.'
    )

    @validates_schema
    def _check_backoff(self, values: dict[str, Any], **kwargs: Any) -> None:
        option.at_most(values, 'retry_backoff_seconds', 'retry_backoff_max_seconds')


class SinkInstanceOptions(OptionSchema):
    """What every sink instance has beside its own options. A sink type may change a default."""

    batch_max = option.Int(
        default=500, min=1, unit='payloads', description='Most payloads in one delivery.'
    )
    linger_ms = option.Int(
        default=0,
        min=0,
        unit='milliseconds',
        description='How long a delivery waits for more payloads to join it.',
    )
    queue_max = option.Int(
        default=1000,
        min=1,
        unit='payloads',
        description='Payloads that may wait for this sink; when it is full, the pipeline waits.',
    )
    failure_threshold = option.Int(
        default=5,
        min=1,
        description='Failed deliveries in a row that open the circuit breaker: then payloads '
        'go to the dead letter queue at once.',
    )
    cooldown_seconds = option.Float(
        default=30,
        min=0,
        unit='seconds',
        description='Time until an open circuit breaker lets one delivery through to probe.',
    )
    ui_url = option.Url(
        default='',
        schemes=('http', 'https'),
        description='Where people look at what is in this sink.',
    )
