"""The HTTP endpoint of a real worker process, as its users and its enemies meet it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from integration.servers.fixtures import unobtainable
from tests.services.server import Server, is_running, wait_for
from tests.webapp.fuzz import Fuzzer

TOKEN = 'integration-tenant-a-token-do-not-use-in-prod'
CONFIG = f"""\
[drakkar]
handler = ripgrep

[log]
path = log

[executor]
max_executors = 4

[webapp]
enabled = true
port = 0
request_timeout_seconds = 20

[webapp.clients.anonymous]
rpm = 4

[webapp.clients.tenant-A]
token = {TOKEN}
rpm = 60

[sinks.filesystem.out]
base_path = results

[dlq]
path = dlq

[metrics]
host = 127.0.0.1
port = 0

[debug]
port = 0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    if not shutil.which('curl'):
        unobtainable('curl is not installed')
    (tmp_path / 'drakkar.ini').write_text(CONFIG)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    with Server(folder) as server:
        wait_for(lambda: server.lines('running'), 'start')
        yield server
        assert server.process.poll() is None, server.said


@pytest.fixture
def generous(folder: Path) -> Iterator[Server]:
    """A worker that nobody can ask too often."""
    text = CONFIG.replace('rpm = 60', 'rpm = 1000000').replace('rpm = 4', 'rpm = 1000000')
    (folder / 'drakkar.ini').write_text(text)
    with Server(folder) as server:
        wait_for(lambda: server.lines('running'), 'start')
        yield server


def port(server: Server) -> int:
    return int(server.lines('running')[0]['webapp_port'])


def url(server: Server, path: str = '/process') -> str:
    return f'http://localhost:{port(server)}{path}'


def curl(server: Server, body: str, *more: str) -> tuple[int, dict[str, str], Any]:
    """Run curl as the reference page does; return code, headers and what the answer says."""
    given = ['-H', 'Content-Type: application/json', *more, '-d', body]
    command = ['curl', '-sS', '-i', '-X', 'POST', url(server), *given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    head, _, said = done.stdout.partition('\n\n')
    if not said:
        head, _, said = done.stdout.replace('\r\n', '\n').partition('\n\n')
    status, *lines = head.splitlines()
    headers = dict(line.lower().split(': ', 1) for line in lines)
    return int(status.split()[1]), headers, json.loads(said)


AS_TENANT = ('-H', f'Authorization: Bearer {TOKEN}')
REQUEST = '{"request_id": "manual-1", "score": 42}'


def test_the_commands_of_the_reference_page(server: Server) -> None:
    code, _, report = curl(server, REQUEST, *AS_TENANT)
    assert (code, report['status'], report['request_id']) == (200, 'ok', 'manual-1')
    assert report['client'] == 'tenant-A'
    assert report['result']['score'] == 42
    assert report['sinks'] is None
    assert set(report) >= {'started_at', 'duration_ms', 'tasks', 'task_summary', 'cache'}
    code, _, said = curl(server, '{"request_id": "manual-1", "score": "x"}', *AS_TENANT)
    assert (code, said['status'], list(said['errors'])) == (422, 'invalid_request', ['score'])
    code, headers, said = curl(server, REQUEST, '-H', 'Authorization: Bearer wrong')
    assert (code, said['status']) == (401, 'auth_failed')
    assert headers['www-authenticate'].startswith('bearer')
    codes = [curl(server, REQUEST, *AS_TENANT)[0] for _ in range(58)]
    assert set(codes) == {200}
    code, headers, said = curl(server, REQUEST, *AS_TENANT)
    assert (code, said['status'], said['rpm_limit']) == (429, 'rate_limited', 60)
    assert 1 <= int(headers['retry-after']) <= 60
    assert said['hint']
    assert [curl(server, REQUEST)[0] for _ in range(5)] == [200] * 4 + [429]


def test_sinks_may_be_switched_on_by_the_environment(folder: Path) -> None:
    with Server(folder, env={'DK_WEBAPP__SINKS_ENABLED': 'true'}) as server:
        wait_for(lambda: server.lines('running'), 'start')
        _, _, report = curl(server, REQUEST, *AS_TENANT)
        delivered = {'attempted': 2, 'delivered': 2, 'dlq': 0, 'errors': 0}
        found = report['sinks']['by_type']['filesystem']
        assert found['delivered'] == found['attempted'] >= delivered['attempted']
        summary = folder / 'results' / 'summaries.jsonl'
        assert json.loads(summary.read_text())['request_id'] == 'manual-1'


def test_a_stopped_worker_answers_what_it_began(folder: Path) -> None:
    with Server(folder) as server:
        wait_for(lambda: server.lines('running'), 'start')
        slow = json.dumps({'request_id': 'slow', 'score': 1, 'repeat': 200})
        command = ['curl', '-sS', '-X', 'POST', url(server), *AS_TENANT]
        command += ['-H', 'Content-Type: application/json', '-d', slow]
        waiting = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        ui = int(server.lines('running')[0]['debug_port'])
        wait_for(lambda: _in_flight(ui), 'the request')
        assert server.stop() == 0
        out, _ = waiting.communicate(timeout=20)
        assert json.loads(out)['status'] == 'ok'


def _in_flight(ui: int) -> int:
    with urlopen(f'http://127.0.0.1:{ui}/api/dashboard', timeout=10) as answer:
        return int(json.load(answer)['webapp']['in_flight'])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_schemathesis_finds_nothing(generous: Server, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name('schemathesis')),
        'run',
        url(generous, '/openapi.json'),
        *('-H', f'Authorization: Bearer {TOKEN}'),
        *('--phases', 'examples,coverage,fuzzing', '--max-examples', '60', '--seed', '7'),
        *('--checks', 'all', '--no-color', '--request-timeout', '20'),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=560, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert generous.process.poll() is None


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_bytes_make_the_worker_fall_hang_or_leak(generous: Server) -> None:
    pid = generous.process.pid
    fuzzer = Fuzzer(port(generous), TOKEN, seed=11)
    fuzzer.run(200)
    before = _burden(pid)
    fuzzer.run(1500)
    code, _, report = curl(generous, REQUEST, *AS_TENANT)
    assert (code, report['status']) == (200, 'ok')
    wait_for(lambda: _burden(pid)['descriptors'] <= before['descriptors'] + 8, 'descriptors')
    after = _burden(pid)
    assert after['kilobytes'] < before['kilobytes'] + 20_000
    assert 'Traceback' not in generous.said, generous.said[-4000:]
    ui = int(generous.lines('running')[0]['debug_port'])
    wait_for(lambda: _in_flight(ui) == 0, 'nothing in flight')
    assert is_running(pid)
    assert generous.stop() == 0


def _burden(pid: int) -> dict[str, int]:
    status = Path(f'/proc/{pid}/status').read_text()
    resident = next(line for line in status.splitlines() if line.startswith('VmRSS'))
    return {
        'descriptors': len(list(Path(f'/proc/{pid}/fd').iterdir())),
        'kilobytes': int(resident.split()[1]),
    }
