"""Makes the original message of a letter, and counts how often it came back."""

from __future__ import annotations

import re

from drakkar.contracts.source import ProducerRecord
from drakkar.models.message import SourceMessage

# How often a message was replayed; it stays with the message should it fail again.
REPLAYS_HEADER = 'drakkar-replays'
_COUNT = re.compile(rb'\d{1,9}')


def replays_of(message: SourceMessage) -> int:
    """Return how often a message was replayed before."""
    counts = [value for name, value in message.headers if name == REPLAYS_HEADER]
    if counts and counts[-1] is not None and _COUNT.fullmatch(counts[-1]):
        return int(counts[-1])
    return 0


def record_of(
    message: SourceMessage, *, repartition: bool = False, keep_timestamp: bool = False
) -> ProducerRecord:
    """Return a message to be written again: value, key, headers and partition as they were.

    One header is added, or counted up. `repartition` lets the key decide the
    partition. The time is that of the writing unless `keep_timestamp`: by an old one
    a source's retention would remove the message before it is read.
    """
    headers = [(name, value) for name, value in message.headers if name != REPLAYS_HEADER]
    headers.append((REPLAYS_HEADER, b'%d' % (replays_of(message) + 1)))
    return ProducerRecord(
        message.value,
        message.key,
        headers,
        partition=None if repartition else message.partition,
        timestamp=message.timestamp if keep_timestamp else None,
    )
