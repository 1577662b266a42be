"""The base class of every handler: the hooks that turn messages into work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from marshmallow import Schema

from drakkar import greenlets, probing
from drakkar.contracts.cache import Cache, NullCache
from drakkar.contracts.sink import Sink
from drakkar.models.actions import DLQ, RETRY, Action
from drakkar.models.delivery import DeliveryFailure, SinkRef
from drakkar.models.group import MessageGroup
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.payload import Payload
from drakkar.models.task import ExecutorError, ExecutorResult, ExecutorTask, PendingContext

Method = TypeVar('Method', bound=Callable[..., Any])
Payloads = Sequence[Payload] | None


@dataclass(frozen=True)
class Schedule:
    """How often a `@periodic` method runs, in seconds, and what its failure means."""

    seconds: float
    on_error: str


def periodic(seconds: float, on_error: str = 'continue') -> Callable[[Method], Method]:
    """Run a handler method every `seconds`, never overlapping itself.

    With `on_error='stop'` a run that raises is the last; with `'continue'` it is
    logged and counted. Raises ValueError for other arguments.
    """
    if seconds <= 0 or on_error not in ('continue', 'stop'):
        raise ValueError(
            f"periodic(seconds > 0, on_error='continue' or 'stop'), not ({seconds}, {on_error!r})"
        )

    def mark(method: Method) -> Method:
        method.__drakkar_periodic__ = Schedule(seconds, on_error)  # type: ignore[attr-defined]
        return method

    return mark


@dataclass
class ReadyContext:
    """Handed to `on_ready`: the connected sinks by reference, and the final configuration."""

    sinks: Mapping[SinkRef, Sink] = field(default_factory=dict)
    config: Any = None
    worker_id: str = ''


class Handler:
    """Subclass it and write `arrange`; every other hook has a sensible default.

    Hooks are plain blocking-style methods; a wait in one (a query, a request)
    lets everything else go on. Schemas are marshmallow classes or instances;
    `options_schema` is the schema of the `[handler]` section, whose values are
    `self.options`.
    """

    input_schema: ClassVar[type[Schema] | Schema | None] = None
    output_schema: ClassVar[type[Schema] | Schema | None] = None
    http_request_schema: ClassVar[type[Schema] | Schema | None] = None
    http_response_schema: ClassVar[type[Schema] | Schema | None] = None
    options_schema: ClassVar[type[Schema] | None] = None
    # 'json' decodes values (by `input_schema` where there is one); 'raw' leaves the bytes.
    input_format: ClassVar[str] = 'json'

    options: Any = None
    # Keeps nothing before the worker is built, and where section `[cache]` does not enable it.
    cache: Cache = NullCache()
    _annotate: Callable[[Any], None] | None = None

    def on_startup(self, config: Any) -> Any:
        """Called before anything is built; return the configuration, changed or not."""
        return config

    def on_ready(self, context: ReadyContext) -> None:
        """Called when the sinks are connected, before the first poll."""

    def arrange(
        self, messages: Sequence[SourceMessage], pending: PendingContext
    ) -> Sequence[ExecutorTask]:
        """Return the tasks for one window of messages of one partition."""
        raise NotImplementedError(f'{type(self).__name__} has no arrange(messages, pending)')

    def on_task_complete(self, result: ExecutorResult) -> Payloads:
        """Return payloads for a task that exited with 0."""

    def on_message_complete(self, group: MessageGroup) -> Payloads:
        """Return payloads for a message whose tasks are all terminal."""

    def on_window_complete(
        self, results: Sequence[ExecutorResult], messages: Sequence[SourceMessage]
    ) -> Payloads:
        """Return payloads for a window whose tasks are all terminal.

        Where a handler has this hook, the window's offsets complete together.
        """

    def on_error(self, task: ExecutorTask, error: ExecutorError) -> Action | Sequence[ExecutorTask]:
        """Decide on a failed run: RETRY (the default; exhausted, it is DLQ), SKIP, DLQ,
        or tasks that replace this one."""
        return RETRY

    def on_delivery_error(self, error: DeliveryFailure) -> Action:
        """Decide on a failed delivery: RETRY, SKIP or DLQ (the default)."""
        return DLQ

    def on_assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Called when partitions were gained."""

    def on_revoke(self, partitions: Sequence[TopicPartition]) -> None:
        """Called when partitions are given up, before their drain."""

    def message_label(self, message: SourceMessage) -> str:
        """Return the message's name for logs and the UI; `partition:offset` by default."""
        return message.label

    def task_priority(self, task: ExecutorTask) -> Any:
        """Return a key that compares with `<`; smaller runs first. Smallest offset by default."""
        offsets = task.source_offsets
        return offsets[0] if len(offsets) == 1 else min(offsets, default=-1)

    # The HTTP endpoint, `[webapp]`

    def arrange_http_request(self, request: Any, pending: PendingContext) -> Sequence[ExecutorTask]:
        """Return the tasks for one HTTP request; `pending` holds those of all others.

        `request` is its body as `http_request_schema` loads it (plain JSON without
        one). Tasks need no `source_offsets`.
        """
        raise NotImplementedError(f'{type(self).__name__} has no arrange_http_request')

    def on_http_request_complete(self, group: MessageGroup) -> Any:
        """Return the `result` of an HTTP request whose tasks are all terminal.

        The request is `group.source_message.payload`. What is returned is dumped with
        `http_response_schema`, or must be what JSON can write.
        """

    def http_request_id(self, request: Any, headers: Mapping[str, str]) -> str:
        """Return the request's id: ASCII, no blanks, 64 characters at most. Empty: a new one.

        Names of `headers` are found in any case.
        """
        return ''

    def http_request_label(self, request: Any, request_id: str) -> str:
        """Return the request's name for logs and the UI; its id by default."""
        return request_id

    # Services for handler code

    def offload(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run CPU-bound Python in a native thread so that the hub is not blocked."""
        return greenlets.offload(fn, *args, **kwargs)

    def annotate(self, payload: Any) -> None:
        """Write `payload` (anything JSON can hold) into the flight recorder.

        In the Message Probe it goes into the probe's report instead.
        """
        annotate = probing.listener() or self._annotate
        if annotate is not None:
            annotate(payload)


def overrides(handler: Handler, hook: str) -> bool:
    """Return whether the handler's class has its own version of a hook."""
    return getattr(type(handler), hook) is not getattr(Handler, hook)


@dataclass(frozen=True)
class HandlerSpec:
    """Makes a handler class known by a short name: `[drakkar] handler = <name>`."""

    name: str
    handler_class: type[Handler]
    label: str = ''
