"""One broker of Apache Kafka, controller too, in a Java process of its own."""

from __future__ import annotations

import shlex
from pathlib import Path

from integration.servers import kafka_ping, kafka_program, ports
from integration.servers.kafka_security import LISTENERS, KafkaSecurity
from integration.servers.server import NotReadyError, Server

CLUSTER_ID = 'ZHJha2thci10ZXN0cy0xMQ'
_JVM = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData']
_LOG4J = """\
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %m (%c)%n%throwable
"""


class KafkaNode(Server):
    """A broker among `voters` (node id → controller port), with settings of its cluster.

    With `security` it has `LISTENERS` beside the open one.
    """

    label = kafka_program.LABEL
    ports_needed = 2 + len(LISTENERS)
    ready_seconds = 90
    # The last of three, without a quorum for an orderly end, would take for ever.
    stop_seconds = 6

    def __init__(
        self,
        node_id: int,
        settings: dict[str, str],
        security: KafkaSecurity | None = None,
        *,
        session: bool = False,
    ) -> None:
        super().__init__(session=session)
        self.node_id = node_id
        self.voters: dict[int, int] = {}
        self.security = security
        self._settings = settings

    @classmethod
    def find(cls) -> str | None:
        return kafka_program.find()

    @classmethod
    def fetch(cls) -> None:
        kafka_program.fetch()

    def command(self) -> list[str]:
        """Return the command; the first time it formats the data folder on the way."""
        config = self.folder / 'server.properties'
        config.write_text(''.join(f'{k}={v}\n' for k, v in self._config().items()))
        serve = self._java('kafka.Kafka', str(config))
        if (self.folder / 'data' / 'meta.properties').exists():
            return serve
        words = self.security.format_words() if self.security else []
        words = ['format', '-t', CLUSTER_ID, '-c', str(config), *words]
        form = self._java('kafka.tools.StorageTool', *words)
        return ['sh', '-c', f'{shlex.join(form)} && exec {shlex.join(serve)}']

    def ping(self) -> None:
        """Ask this broker for its cluster; it must be a member that serves."""
        members = self.members()
        if self.node_id not in members:
            raise NotReadyError(f'broker {self.node_id} is not among those that serve: {members}')

    def members(self) -> set[int]:
        """Return the ids of the brokers that this one knows to serve."""
        return set(kafka_ping.brokers(self.address))

    def _java(self, *words: str) -> list[str]:
        log4j = self.folder / 'log4j2.properties'
        log4j.write_text(_LOG4J)
        java = kafka_program.find_java() or 'java'
        options = [*_JVM, f'-Dlog4j2.configurationFile={log4j}']
        return [java, *options, '-cp', str(Path(self.obtain()) / '*'), *words]

    def listener(self, name: str) -> str:
        """Return HOST:PORT of one of `LISTENERS`."""
        return f'{ports.HOST}:{self.ports[2 + list(LISTENERS).index(name)]}'

    def _config(self) -> dict[str, str]:
        client, controller, *_ = self.ports
        voters = ','.join(f'{n}@{ports.HOST}:{port}' for n, port in self.voters.items())
        secured = LISTENERS if self.security else {}
        open_to = [f'PLAINTEXT://{ports.HOST}:{client}']
        open_to += [f'{name}://{self.listener(name)}' for name in secured]
        protocols = {'CONTROLLER': 'PLAINTEXT', 'PLAINTEXT': 'PLAINTEXT', **secured}
        return {
            'process.roles': 'broker,controller',
            'node.id': str(self.node_id),
            'controller.quorum.voters': voters,
            'controller.listener.names': 'CONTROLLER',
            'inter.broker.listener.name': 'PLAINTEXT',
            'listeners': ','.join([*open_to, f'CONTROLLER://{ports.HOST}:{controller}']),
            'advertised.listeners': ','.join(open_to),
            'listener.security.protocol.map': ','.join(f'{k}:{v}' for k, v in protocols.items()),
            'log.dirs': str(self.folder / 'data'),
            **(self.security.settings() if self.security else {}),
            **self._settings,
        }
