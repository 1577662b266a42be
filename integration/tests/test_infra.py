"""The load generator's requests, and the topics that are made without a container."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from integration.infra import load_generator, topics
from integration.servers.http_echo import HttpEcho
from integration.servers.kafka import KafkaAddress
from integration.servers.ports import pick
from integration.stack.program import ROOT


@pytest.fixture
def generator(http_echo: HttpEcho, http_path: str) -> Iterator[subprocess.Popen[str]]:
    """The program as tenant, four times a second."""
    variables = {'WEBAPP_URL': f'{http_echo.dsn}{http_path}', 'TOKEN': 'secret'}
    with subprocess.Popen(
        [sys.executable, '-u', '-m', 'integration.infra.load_generator'],
        cwd=ROOT,
        env={**os.environ, **variables, 'INTERVAL_SECONDS': '0.25'},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.terminate()


def test_requests_are_sent_again_and_again(
    generator: subprocess.Popen[str], http_echo: HttpEcho, http_path: str
) -> None:
    assert generator.stdout is not None
    for number in (1, 2, 3):
        line = generator.stdout.readline()
        assert line.startswith(f'{{"request_id": "tenant-{number}", "score": ')
        assert '} -> 200 in ' in line
    first, second, third = http_echo.requests(http_path)[:3]
    assert first.headers['authorization'] == 'Bearer secret'
    assert first.json()['request_id'] == 'tenant-1'
    assert third.time - second.time >= 0.2


def test_what_a_request_comes_to_is_told(http_echo: HttpEcho, http_path: str) -> None:
    url = f'{http_echo.dsn}{http_path}'
    http_echo.rule(http_path, status=429, headers={'Retry-After': '7'})
    assert load_generator.ask(url, '', {}) == '429, retry after 7 s'
    http_echo.rule(http_path, status=503)
    assert load_generator.ask(url, '', {}) == '503'
    assert 'authorization' not in http_echo.requests(http_path)[-1].headers
    (unused_port,) = pick()
    assert load_generator.ask(f'http://127.0.0.1:{unused_port}/', '', {}).startswith('no answer: ')


def test_topics_are_those_of_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = (topics.REQUESTS, topics.RESULTS, topics.DEAD_LETTERS, topics.COUNTS)
    assert topics.planned() == dict.fromkeys(names, 50)
    script = tmp_path / 'init.sh'
    monkeypatch.setattr(topics, '_SCRIPT', script)
    script.write_text('PARTITIONS=3\nTOPICS="a b"\n')
    assert topics.planned() == {'a': 3, 'b': 3}
    script.write_text('PARTITIONS=three\nTOPICS="a b"\n')
    with pytest.raises(ValueError, match=r'init\.sh: no line PARTITIONS=NUMBER'):
        topics.planned()


def test_topics_that_are_missing_are_made(
    kafka: KafkaAddress, unique_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for count in (1, 2, 2):
        wanted = {f'{unique_name}_{number}': 3 for number in range(count)}
        monkeypatch.setattr(topics, 'planned', wanted.copy)
        assert topics.create(kafka.address) == wanted
    with closing(KafkaAdminClient(bootstrap_servers=kafka.address)) as admin:
        found = admin.describe_topics(list(wanted))
    assert [len(topic['partitions']) for topic in found] == [3, 3]
