"""The chaos test's orders for containers, as a program named docker would get them."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from integration.chaos.containers import FILE, Containers
from integration.stack.control import ControlError
from integration.stack.plan import page_ports

_DOCKER = """\
#!/bin/sh
echo "$*" >> "$DOCKER_CALLS"
[ -z "${DOCKER_FAILS:-}" ] || { echo 'no daemon' >&2; exit 1; }
[ "${4:-}" != "${DOCKER_REFUSES:-}" ] || exit 3
case "$*" in
    *" ps "*"--status running"*) printf 'worker-1\\nproducer\\n';;
    *" ps "*) printf 'worker-1\\nworker-2\\nproducer\\n';;
esac
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    docker = tmp_path / 'docker'
    docker.write_text(_DOCKER)
    docker.chmod(0o755)
    monkeypatch.setenv('PATH', f'{tmp_path}{os.pathsep}{os.environ["PATH"]}')
    monkeypatch.setenv('DOCKER_CALLS', str(tmp_path / 'calls'))
    return tmp_path / 'calls'


def test_orders_are_those_of_docker_compose(calls: Path) -> None:
    with closing(Containers()) as containers:
        assert containers.ask('status') == {'ports': page_ports()}
        calls.unlink()
        containers.ask('stop', 'worker-2')
    with closing(Containers()) as containers:
        containers.ask('kill', 'worker-3')
    assert calls.read_text().splitlines() == [
        f'compose -f {FILE} stop worker-2',
        f'compose -f {FILE} kill worker-3',
    ]


def test_what_runs_is_asked(calls: Path) -> None:
    containers = Containers()
    assert containers.running('producer')
    assert not containers.running('worker-2')


def test_a_docker_that_fails_is_told(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('DOCKER_FAILS', '1')
    with pytest.raises(ControlError, match='docker compose ps: no daemon'):
        Containers().ask('status')


def test_an_order_that_is_not_carried_out_is_told(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a worker that was never stopped would have survived its outage."""
    monkeypatch.setenv('DOCKER_REFUSES', 'stop')
    containers = Containers()
    containers.ask('stop', 'worker-2')
    containers.close()
    with pytest.raises(ControlError, match='docker compose stop worker-2: exit code 3'):
        containers.running('producer')


def test_without_docker_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(ControlError, match='docker: '):
        Containers().ask('status')
