"""What a handler may answer when something failed."""

from __future__ import annotations

import enum


class Action(enum.Enum):
    """The decision of `on_error` and `on_delivery_error`."""

    RETRY = 'retry'  # try again after a backoff, up to the configured number of retries
    SKIP = 'skip'  # give up on it on purpose: counted, logged, the offset completes
    DLQ = 'dlq'  # send the source message to the dead letter queue

    def __repr__(self) -> str:
        return self.name


RETRY = Action.RETRY
SKIP = Action.SKIP
DLQ = Action.DLQ
