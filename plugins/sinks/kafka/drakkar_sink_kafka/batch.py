"""One delivery under way: records that are sent, acknowledged, refused, sent again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any

import gevent
from kafka import KafkaProducer
from kafka.errors import KafkaError

import drakkar.api as dk
from drakkar_sink_kafka.errors import RecordRefusedError, TopicRefusedError, judged, unsendable
from drakkar_sink_kafka.payload import KafkaPayload
from drakkar_sink_kafka.producer import ProducerSlot

# So often others may run while a large batch is made.
YIELD_EVERY = 250
# How much later than the producer itself a delivery loses patience.
GRACE_SECONDS = 1.0


class Batch:
    """Sends records and waits for all of them. `failures` holds what failed, by position.

    A producer with which something went wrong is given up: what it still holds
    must not appear after its payloads were tried again or dead-lettered.
    """

    def __init__(self, slot: ProducerSlot, options: Any, records: Sequence[KafkaPayload]) -> None:
        self.failures: dict[int, Exception] = {}
        self._slot = slot
        self._records = records
        topic: str = options.topic
        self._topics = [record.topic or topic for record in records]
        self._patience: float = options.timeout_seconds + GRACE_SECONDS
        self._todo = [list(range(len(records)))]
        self._sent: dict[int, Any] = {}

    def run(self) -> None:
        """Send everything. What a delivery timeout leaves without an answer has failed."""
        indexes: list[int] = []
        try:
            while self._todo:
                indexes = self._todo.pop()
                self._sent = {}
                self._send(indexes)
                self._todo += self._suspects()
        except gevent.Timeout as timeout:
            # What was acknowledged so far is delivered: only the rest is for another attempt.
            late = f'no answer within {timeout.seconds} seconds'
            self._settle(late)
            done = {*self._sent, *self.failures}
            for left in (indexes, *self._todo):
                error = dk.TransientSinkError(late)
                self.failures.update({i: error for i in left if i not in done})
            self._slot.give_up()
        except BaseException:  # killed
            self._slot.give_up()
            raise

    def _send(self, indexes: Sequence[int]) -> None:
        try:
            producer = self._slot.get()
        except dk.NotWrittenError as error:  # of these: others of the batch may be written
            self.failures.update(dict.fromkeys(indexes, error))
            return
        problems = {topic: self._problem(topic) for topic in {self._topics[i] for i in indexes}}
        for count, index in enumerate(indexes, 1):
            record, topic = self._records[index], self._topics[index]
            problem = problems[topic]
            if problem is not None:
                self.failures[index] = problem
                continue
            try:
                self._sent[index] = producer.send(topic, record.value(), record.key, record.headers)
            except Exception as error:  # a schema's dump may raise anything
                self.failures[index] = unsendable(error, topic)
            if not count % YIELD_EVERY:
                gevent.sleep(0)
        if self._sent:
            self._await(producer)

    def _problem(self, topic: str) -> Exception | None:
        try:
            self._slot.check_topic(topic)
        except dk.SinkError as error:
            return error
        except (KafkaError, ValueError) as error:
            return unsendable(error, topic)
        return None

    def _await(self, producer: KafkaProducer) -> None:
        """Wait for the acknowledgements until the producer itself must have given up."""
        deadline = time.monotonic() + self._patience
        with contextlib.suppress(KafkaError):  # what it could not wait for is waited for below
            producer.flush(self._patience)
        for future in self._sent.values():
            if not future.is_done:
                try:
                    future.get(max(0.0, deadline - time.monotonic()))
                except KafkaError:
                    if not future.is_done:
                        break
        if self._settle(f'not acknowledged within {self._patience:g} seconds'):
            self._slot.give_up()

    def _settle(self, late: str) -> bool:
        """Enter what failed or, with `late` as the reason, has no answer; return whether any."""
        failed = False
        refused = self._slot.refusal()
        for index, future in self._sent.items():
            if not future.is_done:
                self.failures[index] = dk.TransientSinkError(refused or late)
            elif future.exception is not None:
                self.failures[index] = judged(future.exception, self._topics[index], refused)
            else:
                continue
            failed = True
        return failed

    def _suspects(self) -> list[list[int]]:
        """Return records to send again, in groups, where a refusal says little about each.

        A broker refuses all records of its batch with one that is invalid, and
        kafka-python fails with the same error whatever else was on its way.
        """
        failed = [index for index in self._sent if index in self.failures]
        refusals = [self.failures[i] for i in failed]
        by_topic: dict[str, list[int]] = {}
        for index in failed:
            by_topic.setdefault(self._topics[index], []).append(index)
        groups: list[list[int]] = []
        if any(isinstance(e, (RecordRefusedError, TopicRefusedError)) for e in refusals):
            if len(by_topic) > 1:
                groups = list(by_topic.values())
            elif len(failed) > 1 and any(isinstance(e, RecordRefusedError) for e in refusals):
                middle = len(failed) // 2
                groups = [failed[:middle], failed[middle:]]
        for index in (i for group in groups for i in group):
            del self.failures[index]
        return groups[::-1]
