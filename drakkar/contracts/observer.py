"""What an observer of the pipeline may hear. Every method does nothing by default.

Observers are called in the greenlet where the event happens, so they must not
wait. One that raises is logged and goes on being called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drakkar.models.actions import Action
from drakkar.models.delivery import DeadLetter, DeliveryFailure, Provenance, SinkRef
from drakkar.models.group import MessageGroup
from drakkar.models.http import HttpAnswer, HttpRequest
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.payload import Payload
from drakkar.models.task import ExecutorError, ExecutorResult, ExecutorTask


class Observer:
    """Base of metrics, recorder and tests. Durations are in seconds."""

    # Source and partitions

    def consumed(self, messages: Sequence[SourceMessage]) -> None:
        """Messages of one poll were queued to their partitions."""

    def source_error(self, error: BaseException) -> None:
        """Polling or committing failed; it is tried again."""

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """Partitions were gained."""

    def revoked(self, partitions: Sequence[TopicPartition], lost: bool) -> None:
        """Partitions are given up; `lost` when another worker has them already."""

    def committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Next offsets to consume were stored."""

    def backpressure(self, active: bool, total_queued: int) -> None:
        """The source was paused or resumed."""

    def parse_failed(self, message: SourceMessage, error: str) -> None:
        """A message did not decode."""

    # Windows and tasks

    def arranged(
        self,
        partition: TopicPartition,
        messages: Sequence[SourceMessage],
        tasks: Sequence[ExecutorTask],
        duration: float,
    ) -> None:
        """`arrange` returned tasks for a window."""

    def task_started(
        self, task: ExecutorTask, slot: int, pid: int, queue_seconds: float, spawn_seconds: float
    ) -> None:
        """A program was started."""

    def task_completed(self, result: ExecutorResult) -> None:
        """A run ended with exit code 0, or was precomputed with it."""

    def task_failed(self, error: ExecutorError, action: str) -> None:
        """A run failed; `action` is retry, skip, dlq, replace or cancelled."""

    def task_retried(self, task: ExecutorTask, attempt: int, delay: float) -> None:
        """Run number `attempt` of a task will be queued in `delay` seconds."""

    def task_complete(
        self, result: ExecutorResult, payloads: Sequence[Payload], duration: float
    ) -> None:
        """`on_task_complete` returned."""

    def message_complete(self, group: MessageGroup, payloads: Sequence[Payload]) -> None:
        """All tasks of a message are terminal and `on_message_complete` returned."""

    def window_complete(
        self,
        partition: TopicPartition,
        messages: Sequence[SourceMessage],
        payloads: Sequence[Payload],
        duration: float,
    ) -> None:
        """All tasks of a window are terminal; `duration` is from its first message on."""

    def message_done(self, message: SourceMessage) -> None:
        """A message's offset is complete: all that came from it is safe."""

    # Delivery

    def produced(self, sink: SinkRef, payloads: Sequence[Payload], provenance: Provenance) -> None:
        """Payloads were queued for a sink instance."""

    def sink_delivered(
        self,
        sink: SinkRef,
        payloads: Sequence[Payload],
        duration: float,
        provenances: Sequence[Provenance],
    ) -> None:
        """A batch is safe in its sink; `provenances` has one for each payload, in their order."""

    def sink_error(self, failure: DeliveryFailure, action: Action, provenance: Provenance) -> None:
        """A delivery failed and was decided on."""

    def sink_retried(self, sink: SinkRef, attempt: int) -> None:
        """A delivery is tried again, inside one attempt or after RETRY."""

    def sink_skipped(self, sink: SinkRef, payloads: Sequence[Payload]) -> None:
        """Payloads were given up on purpose (SKIP)."""

    def circuit_opened(self, sink: SinkRef, error: str) -> None:
        """A sink's breaker opened."""

    def circuit_closed(self, sink: SinkRef) -> None:
        """A sink's breaker closed after a successful probe."""

    def dlq_sent(self, letters: Sequence[DeadLetter]) -> None:
        """Letters are safe in the dead letter queue."""

    def dlq_failed(self, letters: Sequence[DeadLetter], error: BaseException) -> None:
        """The dead letter queue could not be written; tried again unless dropped."""

    def dlq_dropped(self, letters: Sequence[DeadLetter]) -> None:
        """Letters were dropped because `dlq.on_send_failure = drop`."""

    def stalled(self, partition: TopicPartition, messages: int) -> None:
        """So many messages of a partition can be neither delivered nor dead-lettered.

        Told again whenever the number changes; 0 means that it goes on.
        """

    # Handler and worker

    def hook_ran(self, hook: str, duration: float) -> None:
        """A handler hook returned or raised."""

    def hook_failed(self, hook: str, error: BaseException) -> None:
        """A handler hook raised."""

    def annotation(self, payload: Any) -> None:
        """The handler called `annotate`."""

    def periodic_run(self, name: str, duration: float, error: str) -> None:
        """A periodic method ran; `error` is empty where it returned."""

    def runtime_stall(self, duration: float, where: str) -> None:
        """The hub was blocked by the code at `where`."""

    # The HTTP endpoint

    def http_received(self, request: HttpRequest) -> None:
        """A request was accepted: somebody waits for it until `http_completed`."""

    def http_arranged(
        self, request: HttpRequest, tasks: Sequence[ExecutorTask], duration: float
    ) -> None:
        """`arrange_http_request` returned tasks."""

    def http_timeout(self, request: HttpRequest, duration: float) -> None:
        """A request's time was over before its work was, which is cancelled now."""

    def http_completed(self, request: HttpRequest, answer: HttpAnswer) -> None:
        """An accepted request was answered, or its client has gone."""

    def http_answered(self, client_name: str, status: str, duration: float) -> None:
        """Any request ended, a refused one too; `client_name` is empty where it is not known."""

    def http_auth_failed(self, remote: str, reason: str) -> None:
        """A request had no token, or a wrong one."""

    def http_rate_limited(self, client_name: str, rpm: int, retry_after: float) -> None:
        """A client sent more than `rpm` requests in 60 seconds."""

    def http_dropped(self, request: HttpRequest, tasks: int) -> None:
        """So many runs of a request ended after its time: nobody waits for them any more."""

    # Flight recorder

    def recorder_flushed(self, events: int, duration: float) -> None:
        """Events were written to the recorder's file."""

    def recorder_retried(self, error: str) -> None:
        """Events could not be written; they wait for the next attempt."""

    def recorder_dropped(self, events: int, reason: str) -> None:
        """Events will never be written: buffer_full, unwritable or closing."""
