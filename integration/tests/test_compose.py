"""docker-compose.yml, prometheus.yml and the page say what the native stack's plan says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.infra import topics
from integration.infra.producer import VARIABLES
from integration.stack import services
from integration.stack.plan import (
    INFRASTRUCTURE,
    TENANT_TOKEN,
    WORKERS,
    Places,
    WorkerPlan,
    load_environment,
    page_ports,
    producer_environment,
    worker_environment,
)
from integration.stack.program import ROOT

FILE = ROOT / 'integration' / 'docker-compose.yml'
# The native stack has mongo-ui instead of mongo-express, and makes the topics itself.
ONLY_IN_CONTAINERS = ('kafka-init', 'mongo-express')
# Ports that a container has under another number.
INSIDE = {'kafka': 'kafka:29092', 'prometheus': 'prometheus:9090'}


@pytest.fixture(scope='module')
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding='utf-8'))
    return found


def in_containers() -> Places:
    hosts = {name: f'{name}:{port}' for name, port in INFRASTRUCTURE.items()} | INSIDE
    for worker in WORKERS:
        hosts |= {name: f'{worker.name}:{port}' for name, port in worker.ports.items()}
    return Places(hosts, page_ports(), '/shared', '/output', '0.0.0.0')


def published(service: dict[str, Any]) -> set[int]:
    """Return the ports of this machine that lead to a service."""
    return {int(entry.split(':')[0]) for entry in service.get('ports', [])}


def test_the_services_are_the_same(compose: dict[str, Any], tmp_path: Path) -> None:
    made = services.make(services.places(page_ports(), tmp_path), {})
    try:
        assert set(compose['services']) == {*made.all, *ONLY_IN_CONTAINERS} - {'mongo-ui'}
    finally:
        for service in made.all.values():
            service.close()


def test_the_ports_are_the_same(compose: dict[str, Any]) -> None:
    taken = [port for service in compose['services'].values() for port in published(service)]
    assert sorted(taken) == sorted(page_ports().values())
    for name, port in INFRASTRUCTURE.items():
        assert published(compose['services'][name]) == {port}


@pytest.mark.parametrize('worker', WORKERS, ids=lambda worker: worker.name)
def test_a_worker_has_the_same_environment_and_ports(
    compose: dict[str, Any], worker: WorkerPlan
) -> None:
    service = compose['services'][worker.name]
    assert service['environment'] == worker_environment(worker, in_containers())
    assert published(service) == set(worker.ports.values())
    assert service['command'] == f'drakkar serve -c integration/{worker.folder}/drakkar.ini'
    assert 'shared:/shared' in service['volumes']


def test_what_makes_load_has_the_same_environment(compose: dict[str, Any]) -> None:
    found = compose['services']
    knobs = {name: f'${{{name}:-}}' for name in VARIABLES if name != 'BROKERS'}
    assert found['producer']['environment'] == producer_environment(in_containers()) | knobs
    assert found['load_generator']['environment'] == load_environment(in_containers())
    tenant = found['load_generator_tenant_a']
    assert tenant['environment'] == load_environment(in_containers(), TENANT_TOKEN)
    assert tenant['profiles'] == ['tenant']


def test_prometheus_scrapes_every_worker() -> None:
    config = yaml.safe_load((ROOT / 'integration/infra/prometheus.yml').read_text(encoding='utf-8'))
    (job,) = config['scrape_configs']
    assert job['static_configs'] == [{'targets': [f'{w.name}:{w.metrics}' for w in WORKERS]}]


def test_every_file_that_is_mounted_is_there(compose: dict[str, Any]) -> None:
    mounts = [
        entry.split(':')[0]
        for service in compose['services'].values()
        for entry in service.get('volumes', [])
        if entry.startswith('./')
    ]
    assert len(mounts) == 3
    assert all((FILE.parent / mount).is_file() for mount in mounts)


def test_the_topics_are_those_of_the_script() -> None:
    assert topics.planned() == dict.fromkeys(
        (topics.REQUESTS, topics.RESULTS, topics.DEAD_LETTERS, topics.COUNTS), 50
    )
