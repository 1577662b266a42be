"""Kafka for tests: Apache Kafka of one broker or three, one that is given, or Tansu."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any, ClassVar, TypeVar

from integration.servers import kafka_ping, kafka_program, ports
from integration.servers.kafka_node import KafkaNode
from integration.servers.kafka_security import KafkaSecurity
from integration.servers.obtain import NotObtainableError
from integration.servers.server import NotReadyError, StartError

GIVEN = 'DRAKKAR_TEST_KAFKA'
_PORT_TRIES = 3
_POLL_SECONDS = 0.1

Self = TypeVar('Self', bound='Kafka')


class KafkaAddress:
    """Any Kafka that can be spoken to."""

    kind: ClassVar[str]
    """`apache`, `given` or `tansu`."""
    address: Any
    """HOST:PORT of each broker, joined by commas."""

    def create_topic(
        self,
        name: str,
        partitions: int = 1,
        replication: int = -1,
        configs: dict[str, str] | None = None,
    ) -> None:
        """Create a topic and wait until it has leaders; -1 replicas: as the broker is set."""
        topic = {
            'num_partitions': partitions,
            'replication_factor': replication,
            'configs': configs or {},
        }
        from kafka import KafkaAdminClient

        with contextlib.closing(
            KafkaAdminClient(bootstrap_servers=self.address.split(','))
        ) as client:
            client.create_topics({name: topic}, wait_for_metadata=True)


class GivenKafka(KafkaAddress):
    """The broker of DRAKKAR_TEST_KAFKA. It is not ours: it can not be stopped."""

    kind = 'given'

    def __init__(self, address: str) -> None:
        self.address = address


class Kafka(KafkaAddress):
    """Apache Kafka of `brokers` nodes that replicate everything. All methods act on all nodes.

    Args:
        brokers: 1 or 3. With 3, one may be down: topics need two replicas in sync.
        settings: of server.properties, beside or instead of those here.
        security: for listeners that encrypt and have users log in; see `secured`.
        session: it serves many tests, so no single test is to blame for its processes.
    """

    label = kafka_program.LABEL
    kind = 'apache'

    def __init__(
        self,
        brokers: int = 1,
        settings: dict[str, str] | None = None,
        security: KafkaSecurity | None = None,
        *,
        session: bool = False,
    ) -> None:
        in_sync = str(min(2, brokers))
        common = {
            'default.replication.factor': str(brokers),
            'min.insync.replicas': in_sync,
            'offsets.topic.replication.factor': str(brokers),
            'offsets.topic.num.partitions': '4',
            'transaction.state.log.replication.factor': str(brokers),
            'transaction.state.log.min.isr': in_sync,
            'transaction.state.log.num.partitions': '4',
            'share.coordinator.state.topic.replication.factor': str(brokers),
            'share.coordinator.state.topic.min.isr': in_sync,
            # Tests form groups all the time, and some let a member's session run out.
            'group.initial.rebalance.delay.ms': '0',
            'group.min.session.timeout.ms': '500',
            # A broker that is killed is noticed, and its partitions led by others, in 2 s.
            'broker.session.timeout.ms': '2000',
            'broker.heartbeat.interval.ms': '300',
            'controlled.shutdown.max.retries': '1',
            **(settings or {}),
        }
        numbers = range(1, brokers + 1)
        self.nodes = [KafkaNode(n, common, security, session=session) for n in numbers]

    @classmethod
    def obtain(cls) -> str:
        """Return the folder of its jars, fetched if missing. Raises NotObtainableError."""
        return KafkaNode.obtain()

    @property
    def address(self) -> str:
        """HOST:PORT of each broker, joined by commas."""
        return ','.join(node.address for node in self.nodes)

    def secured(self, listener: str) -> str:
        """HOST:PORT of each broker, joined by commas, for one of `kafka_security.LISTENERS`."""
        return ','.join(node.listener(listener) for node in self.nodes)

    @property
    def running(self) -> bool:
        """Whether all nodes run, ready or not, paused or not."""
        return all(node.running for node in self.nodes)

    def start(self: Self) -> Self:
        """Start the nodes that do not run and wait for all; the first time on ports of its choice.

        Raises NotObtainableError, StartError.
        """
        first = not self.nodes[0].ports
        for _ in range(_PORT_TRIES):
            if not self.nodes[0].ports:
                self._assign_ports()
            try:
                for node in self.nodes:
                    if not node.running:
                        node.launch()
                self.wait_ready()
                return self
            except StartError:
                self.kill()
                used = [port for node in self.nodes for port in node.ports]
                if not first or all(ports.is_free(port) for port in used):
                    raise
                for node in self.nodes:
                    node.ports = []
        raise StartError(f'{self.label}: {_PORT_TRIES} times a port was taken before it started')

    def wait_ready(self, timeout: float | None = None) -> None:
        """Wait until every broker serves and knows all others. Raises StartError."""
        deadline = time.monotonic() + (timeout or KafkaNode.ready_seconds)
        for node in self.nodes:
            node.wait_ready(max(0.1, deadline - time.monotonic()))
        everyone = {node.node_id for node in self.nodes}
        while any(self._members(node) != everyone for node in self.nodes):
            if time.monotonic() > deadline:
                raise StartError(f'{self.label}: the brokers do not find each other')
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Ask all nodes to end, wait, and kill those that wait for a quorum that is gone."""
        for node in self.nodes:
            node.ask_to_stop()
        for node in self.nodes:
            node.stop()

    def kill(self) -> None:
        """End all nodes with SIGKILL."""
        for node in self.nodes:
            node.kill()

    def pause(self) -> None:
        """Freeze all nodes (SIGSTOP)."""
        for node in self.nodes:
            node.pause()

    def resume(self) -> None:
        """Let all nodes go on after `pause`."""
        for node in self.nodes:
            node.resume()

    def restart(self) -> None:
        """Stop all nodes and start them on the same ports and data."""
        self.stop()
        self.start()

    def heal(self) -> None:
        """Bring it back as a test that stopped, killed or paused nodes may have left it."""
        paused = [node for node in self.nodes if node.paused]
        for node in paused:
            node.resume()
        if paused or not self.running:
            self.start()

    def close(self) -> None:
        """Kill it and remove its data."""
        for node in self.nodes:
            node.close()

    def __enter__(self: Self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _assign_ports(self) -> None:
        for node in self.nodes:
            node.ports = ports.pick(node.ports_needed)
        voters = {node.node_id: node.ports[1] for node in self.nodes}
        for node in self.nodes:
            node.voters = voters

    def _members(self, node: KafkaNode) -> set[int]:
        try:
            return node.members()
        except (OSError, NotReadyError):
            return set()


def given() -> GivenKafka | None:
    """Return the broker that the environment names, if it does and answers.

    Raises NotObtainableError when it does not answer.
    """
    address = os.environ.get(GIVEN)
    if not address:
        return None
    try:
        kafka_ping.brokers(address.split(',')[0])
    except (OSError, NotReadyError) as error:
        raise NotObtainableError(f'{GIVEN}={address} does not answer: {error}') from error
    return GivenKafka(address)
