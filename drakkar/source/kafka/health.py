"""Notices that Kafka is away: kafka-python's poll only returns nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from drakkar.source.kafka.consumer import GroupConsumer

log = structlog.get_logger('drakkar.source.kafka')

# A coordinator that moves, or a broker that restarts in a cluster, is no outage.
_PATIENCE_SECONDS = 2.0
# How often the same outage is told; between, polls go on and find the broker at once.
_REPEAT_SECONDS = 10.0


class Health:
    """Tells what is wrong with a consumer that gets nothing, at sensible intervals.

    `refusal` returns why the brokers keep a consumer out, or an empty text.
    """

    def __init__(self, topics: Sequence[str], refusal: Callable[[GroupConsumer], str]) -> None:
        self._topics = topics
        self._refusal = refusal
        self._since: float | None = None
        self._told_at: float | None = None
        self.current = ''
        """What is wrong, for longer than a moment; empty when nothing is."""

    def problem(self, consumer: GroupConsumer, now: float, got_records: bool) -> str:
        """Return a problem that is due to be told, or an empty text."""
        found = '' if got_records else self._find(consumer)
        if not found:
            self._note_recovery(now)
            return ''
        if self._since is None:
            self._since = now
        seconds = now - self._since
        if seconds < _PATIENCE_SECONDS:
            return ''
        known = found == self.current  # else more is known by now
        self.current = found
        if known and self._told_at is not None and now - self._told_at < _REPEAT_SECONDS:
            return ''
        self._told_at = now
        return f'{found} for {seconds:.0f} s'

    def _note_recovery(self, now: float) -> None:
        if self._since is not None and self.current:
            log.info('kafka_is_back', after_seconds=round(now - self._since, 1))
        self._since = self._told_at = None
        self.current = ''

    def _find(self, consumer: GroupConsumer) -> str:
        if not consumer.coordinator_known:
            unreached = 'no broker that coordinates the consumer group could be reached'
            refused = self._refusal(consumer)
            return f'{unreached}: {refused}' if refused else unreached
        missing = [] if consumer.assignment() else consumer.missing(self._topics)
        return f'topic {", ".join(missing)} does not exist' if missing else ''
