"""A worker on Kafka whose sink and dead letter topic are both away: it stalls, and recovers."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from drakkar.contracts.source import ProducerRecord
from drakkar.envelope import parse
from drakkar.errors import ConnectError
from drakkar.jsonio import dumps_bytes, loads
from integration.servers.http_echo import HttpEcho
from integration.servers.kafka import Kafka
from tests.services.kafka_lab import KafkaTown
from tests.services.server import Server, rows, wait_for

pytestmark = pytest.mark.timeout(240)

PARTITIONS = 4
REASON = 'can be neither delivered nor dead-lettered'

HANDLER = """\
import drakkar.api as dk
from drakkar_sink_filesystem import FilePayload
from drakkar_sink_http import HttpPayload


class Sorter(dk.Handler):
    def arrange(self, messages, pending):
        done = dk.PrecomputedResult()
        return [
            dk.ExecutorTask(metadata=m.payload, source_offsets=[m.offset], precomputed=done)
            for m in messages
        ]

    def on_task_complete(self, result):
        data = result.task.metadata
        if data['to'] == 'http':
            return [HttpPayload(data)]
        return [FilePayload('rows.jsonl', data)]
"""

CONFIG = """\
[drakkar]
handler = handlers:Sorter
source = kafka

[kafka]
brokers = {brokers}
source_topic = {topic}
consumer_group = {topic}
session_timeout_ms = 4000
heartbeat_interval_ms = 300
request_timeout_ms = 5000

[executor]
binary_path = /bin/true
drain_timeout_seconds = 5

[sinks]
delivery_timeout_seconds = 2

[sinks.http.hook]
url = {url}
cooldown_seconds = 1

[sinks.filesystem.out]
base_path = results

[dlq]
retry_backoff_seconds = 0.2
retry_backoff_max_seconds = 0.5

[metrics]
host = 127.0.0.1
port = 0

[debug]
port = 0
"""


class Town(KafkaTown):
    """Topics with as many replicas as there are brokers; letters need all of them."""

    def __init__(self, kafka: Kafka, topic: str) -> None:
        self._kafka = kafka
        super().__init__(kafka.address, topic, PARTITIONS)
        self.letters_topic = f'{topic}_dlq'
        everyone = {'min.insync.replicas': str(len(kafka.nodes))}
        kafka.create_topic(self.letters_topic, configs=everyone)

    def make_topic(self, topic: str, partitions: int = 4) -> None:
        self._kafka.create_topic(topic, partitions)

    def replicas_in_sync(self) -> int:
        """Return how many replicas have all letters; 0 where no broker says."""
        try:
            with self.admin() as admin:
                (found,) = admin.describe_topics([self.letters_topic])
        except (ConnectError, KafkaError):
            return 0
        return min(len(partition['isr_nodes']) for partition in found['partitions'])


class Scene:
    """A worker's folder, its topic, its HTTP sink, and the books of all that was sent."""

    town: Town

    def __init__(self, echo: HttpEcho, path: str, folder: Path) -> None:
        self.folder = folder
        self.sick: list[int] = []
        self.healthy: list[int] = []
        self._echo = echo
        self._path = path

    def settle(self, kafka: Kafka, topic: str) -> None:
        """Make the topics there, and write the worker's files."""
        self.town = Town(kafka, topic)
        url = f'{self._echo.dsn}{self._path}'
        config = CONFIG.format(brokers=kafka.address, topic=topic, url=url)
        (self.folder / 'drakkar.ini').write_text(config)
        (self.folder / 'handlers.py').write_text(HANDLER)

    def close(self) -> None:
        self.town.close()

    def worker(self) -> Server:
        return Server(self.folder)

    def break_sink(self, **how: Any) -> None:
        self._echo.rule(self._path, status=500, **how)

    def mend_sink(self) -> None:
        self._echo.behave(self._path)

    def send(self, to: str, partition: int, count: int = 5) -> None:
        """Append messages for a sink; those for `http` are the ones that get into trouble."""
        book = self.sick if to == 'http' else self.healthy
        first = len(self.sick) + len(self.healthy)
        numbers = range(first, first + count)
        values = [dumps_bytes({'id': number, 'to': to}) for number in numbers]
        records = [ProducerRecord(value, None, partition=partition) for value in values]
        self.town.producer.append_many(records)
        book.extend(numbers)

    # What came out

    def requested(self) -> list[int]:
        return [r.json()['id'] for r in self._echo.requests(self._path)]

    def delivered(self) -> list[int]:
        seen = self._echo.requests(self._path)
        return [request.json()['id'] for request in seen if request.outcome == 200]

    def written(self) -> set[int]:
        return {row['id'] for row in rows(self.folder / 'results' / 'rows.jsonl')}

    def letters(self) -> list[int]:
        """Return the ids of the messages in the dead letter topic as it is now."""
        partition = TopicPartition(self.town.letters_topic, 0)
        consumer = self.town.client.consumer(KafkaConsumer, group_id=None)
        found: list[int] = []
        try:
            consumer.assign([partition])
            consumer.seek_to_beginning(partition)
            end = consumer.end_offsets([partition])[partition]
            while consumer.position(partition) < end:
                for records in consumer.poll(200).values():
                    found += [loads(parse(r.value).message.value)['id'] for r in records]
        finally:
            consumer.close()
        return found

    def holds(self, offsets: list[int]) -> bool:
        """Return whether these are committed now, and no others; asks until it is told."""
        return wait_for(self.committed, 'the coordinator answers') == offsets

    def committed(self) -> list[int]:
        """Return the committed offset of each partition; none while the coordinator moves."""
        try:
            return [self.town.committed(partition) for partition in range(PARTITIONS)]
        except (ConnectError, KafkaError):
            return []


@pytest.fixture
def scene(http_echo: HttpEcho, http_path: str, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(http_echo, http_path, tmp_path)
    yield scene
    scene.close()


@pytest.fixture
def stalled(scene: Scene, kafka_cluster: Kafka, unique_name: str) -> Iterator[Server]:
    """A worker that stands still in partition 0, since sink and letters' topic are away."""
    scene.settle(kafka_cluster, unique_name)
    with scene.worker() as worker:
        worker.wait_for_line('running')
        scene.send('file', partition=0)
        wait_for(lambda: scene.committed() == [5, 0, 0, 0], 'the healthy ones are committed')
        scene.break_sink()
        kafka_cluster.nodes[2].kill()
        wait_for(lambda: scene.town.replicas_in_sync() == 2, 'the topic misses a replica', 60)
        scene.send('http', partition=0)
        wait_for(lambda: stands_still(worker) == 5, 'the partition stalls', 60)
        yield worker


def stands_still(worker: Server) -> float:
    """Return how many messages stand still, as far as metric, log and readiness agree on it."""
    status, body = worker.get('/readyz')
    count = worker.metric('drakkar_stalled_offsets')
    if count:
        assert worker.lines('partition_stalled')[0]['partition'] == 0
    return count if status == 503 and f'{count:.0f} messages {REASON}' in body else 0.0


def is_well(worker: Server) -> bool:
    status, _ = worker.get('/readyz')
    return status == 200 and not worker.metric('drakkar_stalled_offsets')


def test_a_stalled_partition_holds_its_offset_and_no_other_one_until_letters_can_be_stored(
    scene: Scene, stalled: Server, kafka_cluster: Kafka
) -> None:
    for partition in range(PARTITIONS):
        scene.send('file', partition)
    wait_for(lambda: scene.written() == set(scene.healthy), 'all healthy ones come out', 30)
    wait_for(lambda: scene.committed() == [5, 5, 5, 5], 'the others are committed', 30)
    rounds = len(stalled.lines('dlq_send_failed'))
    wait_for(lambda: len(stalled.lines('dlq_send_failed')) > rounds + 1, 'two more rounds', 60)
    assert stands_still(stalled) == 5
    assert scene.holds([5, 5, 5, 5])
    assert scene.letters() == []
    kafka_cluster.nodes[2].start()
    wait_for(lambda: scene.committed() == [15, 5, 5, 5], 'all is committed', 60)
    wait_for(lambda: is_well(stalled), 'the worker is ready again')
    assert stalled.lines('partition_recovered')
    # A letter whose acknowledgement was lost, as while a broker comes back, is there twice.
    assert set(scene.letters()) == set(scene.sick)
    assert scene.delivered() == []
    assert scene.written() == set(scene.healthy)
    assert stalled.stop() == 0


def test_it_recovers_when_the_sink_is_back_and_leaves_no_letter(
    scene: Scene, stalled: Server, kafka_cluster: Kafka
) -> None:
    scene.mend_sink()
    wait_for(lambda: scene.committed() == [10, 0, 0, 0], 'all is committed', 60)
    wait_for(lambda: is_well(stalled), 'the worker is ready again')
    assert sorted(scene.delivered()) == scene.sick
    kafka_cluster.nodes[2].start()
    scene.break_sink()
    scene.send('http', partition=1)
    late = scene.sick[5:]
    wait_for(lambda: scene.committed() == [10, 5, 0, 0], 'later letters are stored', 60)
    # No letter of what was delivered came behind it.
    assert set(scene.letters()) == set(late)


def test_a_worker_killed_in_a_stall_leaves_all_to_the_next_one(
    scene: Scene, stalled: Server, kafka_cluster: Kafka
) -> None:
    scene.send('file', partition=0)
    wait_for(lambda: scene.written() == set(scene.healthy), 'those behind come out')
    stalled.signal(signal.SIGKILL)
    stalled.wait()
    with scene.worker() as heir:
        wait_for(lambda: stands_still(heir) == 5, 'it stalls again', 60)
        assert scene.holds([5, 0, 0, 0])
        kafka_cluster.nodes[2].start()
        wait_for(lambda: scene.committed() == [15, 0, 0, 0], 'all is committed', 60)
        wait_for(lambda: is_well(heir), 'the worker is ready again')
        assert set(scene.letters()) == set(scene.sick)
        assert scene.written() == set(scene.healthy)
        assert heir.stop() == 0


def test_the_only_broker_goes_away_while_the_sink_is_and_comes_back(
    scene: Scene, apache_kafka: Kafka, unique_name: str
) -> None:
    scene.settle(apache_kafka, unique_name)
    with scene.worker() as worker:
        worker.wait_for_line('running')
        scene.break_sink(delay=1)
        scene.send('http', partition=0)
        wait_for(scene.requested, 'the sink is asked')
        apache_kafka.kill()
        wait_for(lambda: stands_still(worker) == 5, 'the partition stalls', 60)
        apache_kafka.start()
        wait_for(lambda: scene.committed() == [5, 0, 0, 0], 'all is committed', 60)
        wait_for(lambda: is_well(worker), 'the worker is ready again')
        assert set(scene.letters()) == set(scene.sick)
        assert scene.delivered() == []
        scene.mend_sink()
        scene.send('http', partition=2)
        scene.send('file', partition=3)
        wait_for(lambda: scene.committed() == [5, 0, 5, 5], 'it goes on', 60)
        assert {*scene.letters(), *scene.delivered()} == set(scene.sick)
        assert scene.written() == set(scene.healthy)
        assert worker.stop() == 0
