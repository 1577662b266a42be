"""What travels with payloads on their way to a sink, and what failed on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from drakkar.models.message import SourceMessage
from drakkar.models.payload import Payload


class SinkRef(NamedTuple):
    """Names one sink instance: `[sinks.<type>.<name>]`."""

    type: str
    name: str

    def __str__(self) -> str:
        return f'{self.type}.{self.name}'


class CancelScope:
    """Shared by all work of one partition assignment; set once, when it is given up.

    Work that finds its scope cancelled drops what it has and tells nobody.
    """

    __slots__ = ('cancelled',)

    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass(slots=True, eq=False)
class Provenance:
    """Where payloads come from: enough to dead-letter every message behind them."""

    messages: Sequence[SourceMessage]
    scope: CancelScope
    hook: str = ''
    task_id: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class DeliveryFailure:
    """Handed to `on_delivery_error`: these payloads did not reach this sink.

    `attempt` counts the deliveries tried so far. `refused` means that the sink
    answered and will answer the same again (a constraint, a wrong type).
    """

    sink: SinkRef
    payloads: Sequence[Payload]
    exception: BaseException
    attempt: int = 1
    refused: bool = False


@dataclass(slots=True, eq=False)
class DeadLetter:
    """One source message that goes to the dead letter queue, with the reason.

    `stage` is the step that gave up: `parse`, `arrange`, `execute`, `hook` or
    `deliver`. `time` is in seconds since the epoch.
    """

    message: SourceMessage
    stage: str
    error: str
    traceback: str = ''
    payloads: Sequence[Payload] = ()
    sink: SinkRef | None = None
    task_id: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    attempts: int = 1
    worker: str = ''
    time: float = 0.0
