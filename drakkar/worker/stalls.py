"""Remembers which partitions stand still, for readiness, metrics and the UI."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from drakkar.contracts.observer import Observer
from drakkar.models.message import TopicPartition

log = structlog.get_logger('drakkar.stalls')


class StallBoard(Observer):
    """Messages per partition that can be neither delivered nor dead-lettered now."""

    def __init__(self) -> None:
        self._messages: dict[TopicPartition, int] = {}

    def stalled(self, partition: TopicPartition, messages: int) -> None:
        if messages:
            if partition not in self._messages:
                log.error('partition_stalled', partition=partition.partition, messages=messages)
            self._messages[partition] = messages
        elif self._messages.pop(partition, 0):
            log.info('partition_recovered', partition=partition.partition)

    def revoked(self, partitions: Sequence[TopicPartition], lost: bool) -> None:
        for partition in partitions:
            self._messages.pop(partition, None)

    def __getitem__(self, partition: TopicPartition) -> int:
        return self._messages.get(partition, 0)

    @property
    def total(self) -> int:
        return sum(self._messages.values())
