"""The servers by the names that the command line has for them."""

from __future__ import annotations

from typing import Any

from integration.servers.http_echo import HttpEcho
from integration.servers.kafka import Kafka
from integration.servers.mongo import Mongo
from integration.servers.obtain import NotObtainableError, say
from integration.servers.postgres import Postgres
from integration.servers.prometheus import Prometheus
from integration.servers.redis import Redis
from integration.servers.tansu import Tansu

SERVERS: dict[str, Any] = {
    'http': HttpEcho,
    'kafka': Kafka,
    'mongo': Mongo,
    'postgres': Postgres,
    'prometheus': Prometheus,
    'redis': Redis,
    'tansu': Tansu,
}


def kafka_kind() -> Any:
    """Return the class of the Kafka that can be had: Apache Kafka, else Tansu.

    Raises NotObtainableError, which says why neither.
    """
    try:
        Kafka.obtain()
    except NotObtainableError as reason:
        say(Kafka.label, f'{reason}')
        say(Kafka.label, 'taking Tansu instead, which is no Apache Kafka')
        Tansu.obtain()
        return Tansu
    return Kafka
