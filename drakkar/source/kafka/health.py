"""Notices that Kafka is away: kafka-python's poll only returns nothing."""

from __future__ import annotations

from collections.abc import Sequence

from drakkar.source.kafka.consumer import GroupConsumer

# A coordinator that moves, or a broker that restarts in a cluster, is no outage.
_PATIENCE_SECONDS = 2.0
# How often the same outage is told; between, polls go on and find the broker at once.
_REPEAT_SECONDS = 10.0


class Health:
    """Tells what is wrong with a consumer that gets nothing, at sensible intervals."""

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics
        self._since: float | None = None
        self._told_at: float | None = None

    def problem(self, consumer: GroupConsumer, now: float, got_records: bool) -> str:
        """Return a problem that is due to be told, or an empty text."""
        found = '' if got_records else self._find(consumer)
        if not found:
            self._since = self._told_at = None
            return ''
        if self._since is None:
            self._since = now
        seconds = now - self._since
        due = self._told_at is None or now - self._told_at >= _REPEAT_SECONDS
        if seconds < _PATIENCE_SECONDS or not due:
            return ''
        self._told_at = now
        return f'{found} for {seconds:.0f} s'

    def _find(self, consumer: GroupConsumer) -> str:
        if not consumer.coordinator_known:
            return 'no broker that coordinates the consumer group could be reached'
        missing = [] if consumer.assignment() else consumer.missing(self._topics)
        return f'topic {", ".join(missing)} does not exist' if missing else ''
