"""Remembers which partitions stand still, for readiness, metrics and the UI."""

from __future__ import annotations

import structlog

from drakkar.contracts.observer import Observer
from drakkar.models.message import TopicPartition

log = structlog.get_logger('drakkar.stalls')


class StallBoard(Observer):
    """Messages per partition that can be neither delivered nor dead-lettered now.

    Whoever tells of a stall also tells of its end, so a partition that is revoked
    while it stands still goes on being shown, as long as it is there.
    """

    def __init__(self) -> None:
        self._messages: dict[TopicPartition, int] = {}

    def stalled(self, partition: TopicPartition, messages: int) -> None:
        if messages:
            if partition not in self._messages:
                log.error('partition_stalled', partition=partition.partition, messages=messages)
            self._messages[partition] = messages
        elif self._messages.pop(partition, 0):
            log.info('partition_recovered', partition=partition.partition)

    def __getitem__(self, partition: TopicPartition) -> int:
        return self._messages.get(partition, 0)
