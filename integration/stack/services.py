"""Makes the servers and programs of the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.servers import ports as free_ports
from integration.servers.http_echo import HttpEcho
from integration.servers.kafka import Kafka
from integration.servers.kafka_node import KafkaNode
from integration.servers.mongo import Mongo
from integration.servers.postgres import Postgres
from integration.servers.prometheus import Prometheus
from integration.servers.redis import Redis
from integration.servers.server import Server
from integration.stack.plan import (
    TENANT_TOKEN,
    WEB_UIS,
    WORKERS,
    Places,
    WorkerPlan,
    load_environment,
    page_ports,
    producer_environment,
    worker_environment,
)
from integration.stack.program import ROOT, Program
from integration.stack.web_uis import KafkaUi, MongoUi, RedisCommander

SERVERS: dict[str, type[Server]] = {
    'postgres': Postgres,
    'mongo': Mongo,
    'redis': Redis,
    'webhook': HttpEcho,
    'prometheus': Prometheus,
}
PRODUCER = 'producer'
LOAD = 'load_generator'
TENANT_LOAD = 'load_generator_tenant_a'


TAKE_VARIABLES = (*(worker.name for worker in WORKERS), PRODUCER, LOAD, TENANT_LOAD)
"""Services that are given environment variables."""


class PortTakenError(Exception):
    """Someone else listens on a port of the plan."""


@dataclass(frozen=True, slots=True)
class Services:
    """All services by name, not started. `kafka` is its one node."""

    kafka: KafkaNode
    servers: dict[str, Any]
    web_uis: dict[str, Server]
    workers: dict[str, Program]
    load: dict[str, Program]

    @property
    def all(self) -> dict[str, Server]:
        return {
            'kafka': self.kafka,
            **self.servers,
            **self.web_uis,
            **self.workers,
            **self.load,
        }


def names() -> list[str]:
    """Return the names of all services, in the order of `Services.all`."""
    workers = (worker.name for worker in WORKERS)
    return ['kafka', *SERVERS, *WEB_UIS, *workers, PRODUCER, LOAD, TENANT_LOAD]


def choose_ports(offset: int | None) -> dict[str, int]:
    """Return the page's ports plus `offset`, or any free ones for None.

    Raises PortTakenError with one line that names each busy port, ValueError for no port.
    """
    plan = page_ports()
    if offset is None:
        return dict(zip(plan, free_ports.pick(len(plan)), strict=True))
    chosen = {name: port + offset for name, port in plan.items()}
    wrong = [f'port {port} ({name})' for name, port in chosen.items() if not 0 < port < 1 << 16]
    if wrong:
        raise ValueError(f'--offset {offset}: {wrong[0]} does not exist')
    busy = [f'{port} ({name})' for name, port in chosen.items() if not free_ports.is_free(port)]
    if busy:
        raise PortTakenError(f'in use: port {", ".join(busy)}; end what uses it, or --offset N')
    return chosen


def places(ports: Mapping[str, int], folder: Path) -> Places:
    """Return where everything is in the native stack, with its files below `folder`."""
    hosts = {name: f'{free_ports.HOST}:{port}' for name, port in ports.items()}
    return Places(hosts, ports, str(folder / 'shared'), str(folder / 'output'))


def make(at: Places, extra: Mapping[str, Mapping[str, str]]) -> Services:
    """Make all services; `extra` has further environment variables by service."""
    return Services(
        _kafka(at.ports['kafka']),
        {name: _server(name, at.ports[name]) for name in SERVERS},
        _web_uis(at.ports),
        {worker.name: _worker(worker, at, extra.get(worker.name, {})) for worker in WORKERS},
        _load(at, extra),
    )


def _kafka(port: int) -> KafkaNode:
    (node,) = Kafka().nodes
    controller, *unused = free_ports.pick(KafkaNode.ports_needed - 1)
    node.ports = [port, controller, *unused]
    node.voters = {node.node_id: controller}
    return node


def _server(name: str, port: int) -> Server:
    server = SERVERS[name]()
    server.ports = [port]
    return server


def _web_uis(ports: Mapping[str, int]) -> dict[str, Server]:
    made: dict[str, Server] = {
        'redis-commander': RedisCommander(ports['redis']),
        'kafka-ui': KafkaUi(ports['kafka']),
        'mongo-ui': MongoUi(ports['mongo']),
    }
    for name, server in made.items():
        server.ports = [ports[name]]
    return made


def _worker(worker: WorkerPlan, at: Places, extra: Mapping[str, str]) -> Program:
    ini = ROOT / 'integration' / worker.folder / 'drakkar.ini'
    return Program(
        worker.name,
        ['drakkar', 'serve', '-c', str(ini)],
        {'DK_LOGGING__FORMAT': 'console', **worker_environment(worker, at), **extra},
        health=at.ports[f'{worker.name}-metrics'],
    )


def _load(at: Places, extra: Mapping[str, Mapping[str, str]]) -> dict[str, Program]:
    modules = {PRODUCER: 'producer', LOAD: 'load_generator', TENANT_LOAD: 'load_generator'}
    variables = {
        PRODUCER: producer_environment(at),
        LOAD: load_environment(at),
        TENANT_LOAD: load_environment(at, TENANT_TOKEN),
    }
    return {
        name: Program(
            name, [f'integration.infra.{module}'], {**variables[name], **extra.get(name, {})}
        )
        for name, module in modules.items()
    }
