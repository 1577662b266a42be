"""Of three brokers one dies, while a worker reads from them and writes to them: nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from kafka.errors import KafkaError
from kafka.protocol.admin import ElectionType

from drakkar.contracts.source import ProducerRecord
from drakkar.errors import SourceError
from drakkar.greenlets import NamedGreenlet, kill_all
from integration.servers.kafka import Kafka
from tests.services.kafka_lab import KafkaTown
from tests.services.server import Server
from tests.services.waiting import wait_until

pytestmark = pytest.mark.timeout(240)

PARTITIONS = 3
BATCH = 5 * PARTITIONS
FAILOVER_SECONDS = 40

HANDLER = """\
import drakkar.api as dk
from drakkar_sink_kafka import KafkaPayload


class Copy(dk.Handler):
    def arrange(self, messages, pending):
        done = dk.PrecomputedResult()
        return [
            dk.ExecutorTask(metadata={'id': m.payload}, source_offsets=[m.offset], precomputed=done)
            for m in messages
        ]

    def on_task_complete(self, result):
        return [KafkaPayload(result.task.metadata['id'])]
"""
CONFIG = """\
[drakkar]
handler = handlers:Copy
source = kafka

[kafka]
brokers = {brokers}
source_topic = {topic}
consumer_group = {topic}
session_timeout_ms = 10000
heartbeat_interval_ms = 300

[executor]
binary_path = /bin/true

[sinks.kafka.out]
topic = {topic}_out

[metrics]
host = 127.0.0.1
port = 0

[debug]
port = 0
"""


class Stream:
    """A worker that copies numbers from a topic to another, and what came out so far."""

    def __init__(self, kafka: Kafka, topic: str, folder: Path) -> None:
        self.kafka = kafka
        self.town = KafkaTown(kafka.address, topic, PARTITIONS)
        self.town.make_topic(f'{topic}_out', PARTITIONS)
        self._out = self.town.member(source_topic=f'{topic}_out', consumer_group=f'{topic}_reader')
        (folder / 'drakkar.ini').write_text(CONFIG.format(brokers=kafka.address, topic=topic))
        (folder / 'handlers.py').write_text(HANDLER)
        self.worker = Server(folder)
        self.sent = 0
        self.ends: dict[int, int] = {}
        self._feeder = NamedGreenlet('feeder', self._feed)

    def __enter__(self) -> Stream:
        self.worker.__enter__()
        self._feeder.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        kill_all([self._feeder])
        self.worker.__exit__(*exc_info)
        self.town.close()

    def _feed(self) -> None:
        while True:
            numbers = range(self.sent, self.sent + BATCH)
            records = [ProducerRecord(b'%d' % n, partition=n % PARTITIONS) for n in numbers]
            try:
                places = self.town.producer.append_many(records)
            except SourceError:
                continue  # not all are known to be written: once more
            self.ends |= {tp.partition: offset + 1 for tp, offset in places}
            self.sent += BATCH
            gevent.sleep(0.1)

    def arrived(self) -> Counter[int]:
        """How often each number came out."""
        return Counter(int(value) for value in self._out.values() if value is not None)

    def flows_on(self) -> None:
        """Wait until messages that are sent from now on have come out, of every partition."""
        wanted = set(range(self.sent + BATCH, self.sent + 3 * BATCH))
        wait_until(lambda: wanted <= self.arrived().keys(), FAILOVER_SECONDS)

    def ends_whole(self) -> None:
        """Stop sending; wait until all that was sent has come out and is committed."""
        kill_all([self._feeder])
        wait_until(lambda: set(range(self.sent)) <= self.arrived().keys(), FAILOVER_SECONDS)
        wait_until(
            lambda: all(self.committed(p) >= end for p, end in self.ends.items()),
            FAILOVER_SECONDS,
        )
        assert self.worker.metric('drakkar_dlq_messages_total') == 0
        assert self.worker.stop() == 0

    # Whom to kill

    def leaders(self, topic: str) -> set[int]:
        """Return who leads partitions, after all that were away for a moment lead theirs again."""
        with self.town.admin() as admin:
            admin.elect_leaders(ElectionType.PREFERRED, [topic], raise_errors=False)
            (found,) = admin.describe_topics([topic])
        return {int(partition['leader_id']) for partition in found['partitions']}

    def committed(self, partition: int) -> int:
        try:
            return self.town.committed(partition)
        except KafkaError:  # the coordinator moves
            return 0

    def coordinator(self) -> int:
        group = self.town.topic
        with self.town.admin() as admin:
            return int(admin._net.run(admin._find_coordinator_ids, [group])[group])


@pytest.fixture
def stream(kafka_cluster: Kafka, unique_name: str, tmp_path: Path) -> Iterator[Stream]:
    with Stream(kafka_cluster, unique_name, tmp_path) as stream:
        stream.worker.wait_for_line('running')
        stream.flows_on()
        yield stream


@pytest.mark.parametrize('role', ['leader', 'coordinator and leader'])
def test_a_broker_is_killed_and_comes_back(stream: Stream, role: str) -> None:
    # Each broker leads a partition of both topics.
    for topic in (stream.town.topic, f'{stream.town.topic}_out'):
        wait_until(lambda topic=topic: stream.leaders(topic) == {1, 2, 3}, FAILOVER_SECONDS)  # type: ignore[misc]
    coordinator = stream.coordinator()
    number = coordinator % 3 + 1 if role == 'leader' else coordinator
    stream.kafka.nodes[number - 1].kill()
    stream.flows_on()
    stream.kafka.heal()
    stream.flows_on()
    stream.ends_whole()
