"""Docker Compose resolves docker-compose.yml to what the plan says. It needs no Docker engine."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.infra.producer import VARIABLES
from integration.servers.fixtures import unobtainable
from integration.stack.plan import (
    INFRASTRUCTURE,
    TENANT_TOKEN,
    WORKERS,
    WorkerPlan,
    load_environment,
    producer_environment,
    worker_environment,
)
from integration.stack.program import ROOT
from integration.tests.test_compose import in_containers
from tools import provision

FILE = ROOT / 'integration' / 'docker-compose.yml'
WEB_UIS = {'redis-commander': 8087, 'kafka-ui': 8088, 'mongo-express': 8089}
# Where a container has another port than its users.
INSIDE = {'prometheus': 9090, 'redis-commander': 8081, 'kafka-ui': 8080, 'mongo-express': 8081}
TENANT = 'load_generator_tenant_a'
MOUNTED = {
    'kafka-init': ('infra/init-kafka.sh', '/init-kafka.sh'),
    'postgres': ('infra/schema.sql', '/docker-entrypoint-initdb.d/schema.sql'),
    'prometheus': ('infra/prometheus.yml', '/etc/prometheus/prometheus.yml'),
}
COMPLETED, HEALTHY = 'service_completed_successfully', 'service_healthy'
# Killing what the drain left, and closing sinks, files and connections.
CLOSING_SECONDS = 15

Services = dict[str, dict[str, Any]]


@pytest.fixture(scope='module')
def command() -> list[str]:
    """What starts Compose: the plugin of docker, or the program."""
    found = provision.find(provision.PROGRAMS['compose'], Path(sys.prefix))
    if found is None:
        unobtainable('neither docker compose nor docker-compose is installed')
        raise AssertionError('unreachable')
    return found


def run(
    command: list[str], file: Path, *words: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Have a file resolved, in an environment that has nothing else than `variables`."""
    kept = {name: os.environ[name] for name in ('PATH', 'HOME') if name in os.environ}
    return subprocess.run(
        [*command, '-f', str(file), *words, 'config'],
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def resolve(command: list[str], *words: str, **variables: str) -> dict[str, Any]:
    """Return the resolved file with the services that would be started."""
    done = run(command, FILE, *words, **variables)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ''  # no warnings
    found: dict[str, Any] = yaml.safe_load(done.stdout)
    # Compose 1 shows all services, with their profiles; later ones leave the others out.
    found['services'] = {
        name: service
        for name, service in found['services'].items()
        if not service.get('profiles') or set(service['profiles']) & set(words)
    }
    return found


@pytest.fixture(scope='module')
def usual(command: list[str]) -> Services:
    """The services that `up` starts."""
    found: Services = resolve(command)['services']
    return found


@pytest.fixture(scope='module')
def with_tenant(command: list[str]) -> Services:
    """The services that `--profile tenant up` starts."""
    found: Services = resolve(command, '--profile', 'tenant')['services']
    return found


def ports(service: dict[str, Any]) -> dict[int, int]:
    """Return the ports of the container by those of this machine."""
    return {int(port['published']): int(port['target']) for port in service.get('ports', [])}


def mounts(service: dict[str, Any]) -> set[tuple[str, str, bool]]:
    """Return source, target and whether it is read only; Compose 1 writes them as one string."""
    found = set()
    for entry in service.get('volumes', []):
        if isinstance(entry, str):
            source, target, mode = entry.split(':')
            found.add((source, target, mode == 'ro'))
        else:
            found.add((entry['source'], entry['target'], bool(entry.get('read_only'))))
    return found


def waits_for(service: dict[str, Any]) -> dict[str, str]:
    return {name: needs['condition'] for name, needs in service.get('depends_on', {}).items()}


def needs_of(name: str, services: Services) -> set[str]:
    """Return the services that are started before a service."""
    direct = set(waits_for(services[name]))
    return direct.union(*(needs_of(other, services) for other in direct))


def test_the_services_are_those_of_the_plan(usual: Services, with_tenant: Services) -> None:
    workers = {worker.name for worker in WORKERS}
    load = {'producer', 'load_generator'}
    assert set(usual) == {*INFRASTRUCTURE, 'kafka-init', *WEB_UIS} | workers | load
    assert set(with_tenant) == {*usual, TENANT}


def test_each_port_leads_to_the_one_that_the_container_has(with_tenant: Services) -> None:
    expected = {
        name: {port: INSIDE.get(name, port)} for name, port in (INFRASTRUCTURE | WEB_UIS).items()
    }
    for worker in WORKERS:
        expected[worker.name] = {port: port for port in worker.ports.values()}
    assert {name: ports(s) for name, s in with_tenant.items() if ports(s)} == expected


@pytest.mark.parametrize('worker', WORKERS, ids=lambda worker: worker.name)
def test_a_worker_is_started_as_planned(usual: Services, worker: WorkerPlan) -> None:
    service = usual[worker.name]
    assert service['environment'] == worker_environment(worker, in_containers())
    assert mounts(service) == {('shared', '/shared', False)}
    needs = waits_for(service)
    assert needs['kafka-init'] == COMPLETED
    sinks = {'postgres', 'mongo', 'redis'} if worker.folder == 'worker' else set()
    assert needs.keys() == {'kafka-init', 'webhook', *sinks}
    assert needs.get('postgres', HEALTHY) == HEALTHY


@pytest.mark.parametrize('worker', WORKERS, ids=lambda worker: worker.name)
def test_a_worker_may_drain_before_it_is_killed(usual: Services, worker: WorkerPlan) -> None:
    ini = configparser.ConfigParser()
    ini.read(ROOT / 'integration' / worker.folder / 'drakkar.ini')
    drain = ini.getint('executor', 'drain_timeout_seconds')
    grace = usual[worker.name]['stop_grace_period']
    assert int(grace.removesuffix('s')) >= drain + CLOSING_SECONDS


def test_servers_are_ready_before_they_are_needed(usual: Services) -> None:
    assert waits_for(usual['kafka-init']) == {'kafka': HEALTHY}
    assert waits_for(usual['producer'])['kafka-init'] == COMPLETED
    for name in ('kafka', 'postgres'):
        assert usual[name]['healthcheck']['test']


def test_the_files_that_are_mounted_are_there(command: list[str], usual: Services) -> None:
    found = {name: mounts(s) for name, s in usual.items() if mounts(s)}
    for worker in WORKERS:
        del found[worker.name]
    assert found == {
        name: {(str(FILE.parent / path), target, True)} for name, (path, target) in MOUNTED.items()
    }
    assert all((FILE.parent / path).is_file() for path, _ in MOUNTED.values())
    assert set(resolve(command)['volumes']) == {'shared'}


def test_one_service_builds_the_image_and_is_needed_by_all_that_use_it(
    with_tenant: Services,
) -> None:
    (builder,) = [name for name, s in with_tenant.items() if s.get('build')]
    build = with_tenant[builder]['build']
    assert (build['context'], build['dockerfile']) == (str(ROOT), 'integration/Dockerfile')
    users = {name: s for name, s in with_tenant.items() if s['image'] == 'drakkar-integration'}
    assert set(users) == {builder, 'producer', 'load_generator', TENANT} | {
        worker.name for worker in WORKERS
    }
    for name, service in users.items():
        assert name == builder or builder in needs_of(name, with_tenant)
        assert (service['pull_policy'], service['init']) == ('never', True)


@pytest.mark.parametrize('total', ['', '500'], ids=['unset', '500'])
def test_the_producer_has_the_variables_of_the_caller(command: list[str], total: str) -> None:
    variables = {'TOTAL_MESSAGES': total} if total else {}
    found = resolve(command, **variables)['services']['producer']['environment']
    knobs = dict.fromkeys(VARIABLES, '') | variables
    assert found == knobs | producer_environment(in_containers())


def test_each_load_generator_has_its_token(with_tenant: Services) -> None:
    found = {name: with_tenant[name]['environment'] for name in ('load_generator', TENANT)}
    assert found == {
        'load_generator': load_environment(in_containers()),
        TENANT: load_environment(in_containers(), TENANT_TOKEN),
    }


@pytest.mark.parametrize(
    ('right', 'wrong'),
    [
        ('environment:', 'enviroment:'),
        ('[shared:/shared]', '[shraed:/shared]'),
        ('depends_on: [worker-1]', 'depends_on: [worker-9]'),
        ("'8082:8082'", "'8082:eight'"),
        ('<<: *worker', '<<: *wroker'),
        ('condition: service_healthy', 'condition: service_helthy'),
    ],
    ids=lambda text: text.partition(':')[0],
)
def test_a_broken_file_is_refused(
    command: list[str], tmp_path: Path, right: str, wrong: str
) -> None:
    text = FILE.read_text(encoding='utf-8')
    assert right in text
    broken = tmp_path / FILE.name
    broken.write_text(text.replace(right, wrong), encoding='utf-8')
    assert run(command, broken).returncode != 0
