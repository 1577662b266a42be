"""The event counters of the dashboard: the very numbers that `/metrics` exports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry

from drakkar.ui import links
from drakkar.ui.context import UiContext

_RATE_WINDOW = '5m'


@dataclass(frozen=True, slots=True)
class Card:
    """One number: the sum of those series of a metric that have one of the labels, where given.

    `name` is the metric's without `drakkar_`. `tone` says what a number above zero means:
    `good`, `bad` or nothing.
    """

    key: str
    title: str
    name: str
    meaning: str
    label: str = ''
    values: tuple[str, ...] = ()
    tone: str = ''

    @property
    def metric(self) -> str:
        return f'drakkar_{self.name}'

    def selector(self) -> str:
        """Return the PromQL selector of the series."""
        if not self.label:
            return self.metric
        return f'{self.metric}{{{self.label}=~"{"|".join(self.values)}"}}'


_FAILED = ('failed', 'timeout', 'spawn', 'killed')

CARDS = (
    Card('consumed', 'Consumed', 'messages_consumed_total', 'messages polled'),
    Card(
        'completed',
        'Completed',
        'executor_tasks_total',
        'runs that ended with exit code 0',
        'status',
        ('completed',),
        'good',
    ),
    Card(
        'failed',
        'Failed',
        'executor_tasks_total',
        'runs that failed, timed out or did not start',
        'status',
        _FAILED,
        'bad',
    ),
    Card('timeouts', 'Timeouts', 'executor_timeouts_total', 'runs killed', tone='bad'),
    Card('retried', 'Retried', 'executor_retries_total', 'runs queued again'),
    Card('precomputed', 'Precomputed', 'executor_precomputed_total', 'tasks without a run'),
    Card(
        'delivered',
        'Delivered',
        'sink_payloads_delivered_total',
        'payloads safe in their sink',
        tone='good',
    ),
    Card(
        'sink_errors',
        'Sink errors',
        'sink_deliver_errors_total',
        'deliveries that failed',
        tone='bad',
    ),
    Card('dlq', 'Dead letters', 'dlq_messages_total', 'messages dead-lettered', tone='bad'),
    Card(
        'dlq_dropped',
        'Lost',
        'dlq_dropped_total',
        'messages dropped (on_send_failure)',
        tone='bad',
    ),
    Card('committed', 'Committed', 'offsets_committed_total', 'offsets stored'),
    Card('rebalances', 'Rebalances', 'rebalance_events_total', 'assigned, revoked, lost'),
    Card(
        'parse_failures',
        'Not decoded',
        'parse_failures_total',
        'messages that did not parse',
        tone='bad',
    ),
    Card(
        'hook_errors',
        'Hook errors',
        'handler_hook_errors_total',
        'hooks raised',
        tone='bad',
    ),
    Card('hub_stalls', 'Stalls', 'hub_stalls_total', 'hub was blocked', tone='bad'),
    Card('recorder_dropped', 'Not recorded', 'recorder_dropped_total', 'events lost', tone='bad'),
)


def read(registry: CollectorRegistry) -> dict[str, int]:
    """Return each card's number by its key; only the metrics of cards are collected."""
    names = {card.metric for card in CARDS}
    samples: dict[str, list[tuple[Mapping[str, str], float]]] = {name: [] for name in names}
    for family in registry.restricted_registry(sorted(names)).collect():
        for sample in family.samples:
            if sample.name in samples:
                samples[sample.name].append((sample.labels, sample.value))
    return {card.key: _sum(card, samples[card.metric]) for card in CARDS}


def cards(context: UiContext) -> list[dict[str, Any]]:
    """Return the cards with their numbers and, where there is a Prometheus, their graphs."""
    numbers = read(context.registry)
    return [
        {
            'key': card.key,
            'title': card.title,
            'value': numbers[card.key],
            'meaning': card.meaning,
            'metric': card.selector(),
            'state': card.tone if numbers[card.key] else '',
            'graph': links.prometheus(
                context.config.debug.prometheus_url,
                of_worker(rate(card.selector()), context.worker_id),
            ),
        }
        for card in CARDS
    ]


def rate(selector: str) -> str:
    """Return the PromQL of a counter's rate."""
    return f'rate({selector}[{_RATE_WINDOW}])'


def of_worker(promql: str, worker_id: str) -> str:
    """Return PromQL narrowed to one worker.

    How Prometheus names the instance is its own affair; who it is, `drakkar_worker_info` says.
    """
    name = worker_id.replace('\\', '\\\\').replace('"', '\\"')
    return f'{promql} and on (instance, job) drakkar_worker_info{{worker_id="{name}"}}'


def _sum(card: Card, samples: list[tuple[Mapping[str, str], float]]) -> int:
    return round(
        sum(
            value
            for labels, value in samples
            if not card.label or labels.get(card.label) in card.values
        )
    )
