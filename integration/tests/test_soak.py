"""Kafka, five networked sinks, four workers, and everything that can fail failing: nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from integration.servers.fixtures import unobtainable
from integration.servers.kafka import Kafka
from integration.servers.mongo import Mongo
from integration.servers.obtain import NotObtainableError
from integration.servers.postgres import Postgres
from integration.servers.redis import Redis


@pytest.mark.timeout(900)
def test_nothing_is_lost_whatever_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        for server in (Kafka, Mongo, Postgres, Redis):
            server.obtain()
    except NotObtainableError as error:
        unobtainable(str(error))
    # A process of its own: its Kafka clients see brokers go away and leave sockets behind.
    command = [sys.executable, '-m', 'integration.soak', '--seed', '1', '--messages', '20000']
    with capsys.disabled():
        soak = subprocess.run(
            [*command, '--folder', str(tmp_path)], stdout=subprocess.PIPE, text=True, check=False
        )
        print(soak.stdout)
    assert soak.stdout, f'no report, exit code {soak.returncode}: what stopped it is printed above'
    report = json.loads(soak.stdout)
    assert report['missing'] == dict.fromkeys(report['missing'], 0)
    assert report['uncommitted'] == 0
    assert set(report['exit_codes'].values()) == {0}
    assert report['lost_nothing']
    assert soak.returncode == 0
