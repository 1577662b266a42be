"""The page about the integration environment has the ports, phases, knobs and steps that are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from integration.chaos.timeline import ROLLING_OUTAGE
from integration.infra import topics
from integration.infra.phases import TOTAL, plan
from integration.infra.producer import VARIABLES
from integration.stack.plan import INFRASTRUCTURE, TENANT_TOKEN, WEB_UIS, WORKERS, WorkerPlan

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / 'docs' / 'integration.md').read_text(encoding='utf-8')


def rows() -> dict[str, list[str]]:
    """Return the cells of every table row by the first of them."""
    lines = [line.strip('|').split('|') for line in PAGE.splitlines() if line.startswith('| ')]
    return {cells[0].strip(' `'): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_servers_and_web_uis_have_their_ports() -> None:
    for name, port in INFRASTRUCTURE.items():
        assert rows()[name][0] == str(port)
    for name, port in WEB_UIS.items():
        assert rows()[name][0].startswith(f'http://localhost:{port}')


@pytest.mark.parametrize('worker', WORKERS, ids=lambda worker: worker.name)
def test_workers_have_their_ports(worker: WorkerPlan) -> None:
    urls = [f'http://localhost:{worker.debug}', f'http://localhost:{worker.metrics}/metrics']
    if worker.folder == 'worker':
        webapp = worker.webapp
        urls.append(f'http://localhost:{webapp}/process' if webapp else '')
    assert rows()[worker.name] == urls


def test_topics_have_their_partitions() -> None:
    for topic, partitions in topics.planned().items():
        assert rows()[topic][0] == str(partitions)


def test_the_phases_are_those_of_the_producer() -> None:
    for phase in plan(TOTAL):
        messages, rate, _ = rows()[phase.name]
        assert messages == (str(phase.messages) if phase.messages else '')
        silence = f'{phase.pause:g} s silence'
        assert rate == (
            silence if phase.pause else f'{phase.rate:g}/s' if phase.rate else 'max speed'
        )


def test_the_variables_are_those_of_the_producer() -> None:
    assert set(VARIABLES) <= set(rows())


def test_the_steps_are_those_of_the_chaos_test() -> None:
    steps = {f't1 + {step.at:g} s': str(step) for step in ROLLING_OUTAGE}
    assert {time: rows()[time][0] for time in steps} == steps


def test_the_token_is_that_of_the_configuration() -> None:
    ini = (ROOT / 'integration' / 'worker' / 'drakkar.ini').read_text(encoding='utf-8')
    assert re.search(rf'^token = {re.escape(TENANT_TOKEN)}$', ini, re.MULTILINE)
    assert PAGE.count(TENANT_TOKEN) == 2
