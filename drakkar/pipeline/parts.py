"""What a partition's pipeline works with; put together once by the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drakkar.contracts.delivery import Delivery
from drakkar.contracts.executor import Executor
from drakkar.contracts.observer import Observer
from drakkar.models.message import TopicPartition
from drakkar.pipeline.decode import Decoder
from drakkar.pipeline.hooks import Hooks


@dataclass(frozen=True)
class Parts:
    """Shared by all partitions of a worker.

    `options` is the `[executor]` section, `on_parse_error` that of `[source]`.
    `committable(partition, offset)` takes note of a watermark, `finished(n)` of
    messages that left the pipeline, `failed(name, error)` of a greenlet's death.
    `client_name` and `request_id` are stamped on tasks, where these are the parts of
    one HTTP request.
    """

    hooks: Hooks
    decoder: Decoder
    executor: Executor
    delivery: Delivery
    observer: Observer
    options: Any
    on_parse_error: str
    origin: str
    committable: Callable[[TopicPartition, int], None]
    finished: Callable[[int], None]
    failed: Callable[[str, BaseException], None]
    client_name: str = ''
    request_id: str = ''
