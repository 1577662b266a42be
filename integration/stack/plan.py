"""What the environment consists of: services, ports and the environment variables of each.

docker-compose.yml says the same for containers; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DATABASE = 'drakkar'
TENANT_TOKEN = 'integration-tenant-a-token-do-not-use-in-prod'

INFRASTRUCTURE = {
    'kafka': 9092,
    'postgres': 5432,
    'mongo': 27017,
    'redis': 6379,
    'webhook': 9000,
    'prometheus': 9099,
}
# SecantusDB's UI lets nobody in without one; this one keeps out nothing but other users' browsers.
MONGO_UI_TOKEN = 'integration'
WEB_UIS = {'redis-commander': 8087, 'kafka-ui': 8088, 'mongo-ui': 8089}


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """One worker and its ports; `folder` of integration/ has its drakkar.ini."""

    name: str
    folder: str
    debug: int
    metrics: int
    webapp: int | None = None

    @property
    def ports(self) -> dict[str, int]:
        """Ports by their names in the whole plan."""
        named = {f'{self.name}-debug': self.debug, f'{self.name}-metrics': self.metrics}
        return named | ({f'{self.name}-webapp': self.webapp} if self.webapp else {})


WORKERS = (
    WorkerPlan('worker-1', 'worker', 8081, 9090, 8091),
    WorkerPlan('worker-2', 'worker', 8082, 9091),
    WorkerPlan('worker-3', 'worker', 8083, 9093),
    WorkerPlan('fast-worker-1', 'fast-worker', 8084, 9094),
    WorkerPlan('fast-worker-2', 'fast-worker', 8085, 9095),
)
MAIN_CLUSTER = tuple(worker.name for worker in WORKERS if worker.folder == 'worker')


def page_ports() -> dict[str, int]:
    """Return every port of the environment by name, as docs/integration.md has them."""
    found = INFRASTRUCTURE | WEB_UIS
    for worker in WORKERS:
        found |= worker.ports
    return found


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are, seen from the services.

    `hosts` maps service names to `HOST:PORT`. `bind` is the address that workers listen on.
    """

    hosts: Mapping[str, str]
    ports: Mapping[str, int]
    shared: str
    output: str
    bind: str = '127.0.0.1'


def worker_environment(worker: WorkerPlan, places: Places) -> dict[str, str]:
    """Return the environment variables of one worker."""
    at = places.hosts
    debug = places.ports[f'{worker.name}-debug']
    common = {
        'WORKER_ID': worker.name,
        'DK_KAFKA__BROKERS': at['kafka'],
        'DK_DEBUG__HOST': places.bind,
        'DK_DEBUG__PORT': str(debug),
        'DK_DEBUG__DEBUG_URL': f'http://localhost:{debug}',
        'DK_DEBUG__DB_DIR': places.shared,
        'DK_DEBUG__PROMETHEUS_URL': f'http://localhost:{places.ports["prometheus"]}',
        'DK_METRICS__HOST': places.bind,
        'DK_METRICS__PORT': str(places.ports[f'{worker.name}-metrics']),
    }
    links = _links(worker, places.ports)
    if worker.folder != 'worker':
        return common | links
    return common | _sinks(at, places.output) | links | _webapp(worker, places)


def _sinks(at: Mapping[str, str], output: str) -> dict[str, str]:
    return {
        'DK_SINKS__POSTGRES__RESULTS__DSN': postgres_dsn(at),
        'DK_SINKS__MONGO__ARCHIVE__URI': f'mongodb://{at["mongo"]}/',
        'DK_SINKS__REDIS__SUMMARIES__URL': f'redis://{at["redis"]}/0',
        'DK_SINKS__HTTP__WEBHOOK__URL': f'http://{at["webhook"]}/notifications',
        'DK_SINKS__FILESYSTEM__LARGE__BASE_PATH': output,
    }


def _links(worker: WorkerPlan, ports: Mapping[str, int]) -> dict[str, str]:
    """Return where the page of the sinks leads to."""
    kafka = f'http://localhost:{ports["kafka-ui"]}/'
    if worker.folder != 'worker':
        return {'DK_SINKS__KAFKA__COUNTS__UI_URL': kafka}
    mongo = f'http://localhost:{ports["mongo-ui"]}/?t={MONGO_UI_TOKEN}'
    return {
        'DK_SINKS__KAFKA__RESULTS__UI_URL': kafka,
        'DK_SINKS__MONGO__ARCHIVE__UI_URL': mongo,
        'DK_SINKS__REDIS__SUMMARIES__UI_URL': f'http://localhost:{ports["redis-commander"]}/',
    }


def _webapp(worker: WorkerPlan, places: Places) -> dict[str, str]:
    if worker.webapp is None:
        return {}
    return {
        'DK_WEBAPP__ENABLED': 'true',
        'DK_WEBAPP__HOST': places.bind,
        'DK_WEBAPP__PORT': str(places.ports[f'{worker.name}-webapp']),
    }


def postgres_dsn(at: Mapping[str, str]) -> str:
    """Return the DSN of the database that results go to."""
    return f'postgresql://drakkar:drakkar@{at["postgres"]}/{DATABASE}'


def producer_environment(places: Places) -> dict[str, str]:
    """Return the environment variables of the producer."""
    return {'BROKERS': places.hosts['kafka']}


def load_environment(places: Places, token: str = '') -> dict[str, str]:
    """Return the environment variables of a load generator."""
    url = f'http://{places.hosts["worker-1-webapp"]}/process'
    return {'WEBAPP_URL': url, 'TOKEN': token}
