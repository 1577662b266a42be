"""The native stack's parts that need no servers: ports, orders, logs."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from integration.servers import ports
from integration.stack import services
from integration.stack.control import Answer, Control, ControlError, ControlServer
from integration.stack.logs import Logs
from integration.stack.plan import page_ports
from integration.stack.program import ROOT
from integration.stack.table import lines
from integration.tests.environment import eventually


def order(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, '-m', 'integration.stack', '--state', str(state), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def offset_to(port: int) -> int:
    """Return the offset that puts Prometheus on a port."""
    return port - page_ports()['prometheus']


def test_a_busy_port_is_named_in_one_line_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.create_server((ports.HOST, 0)) as busy:
        port = busy.getsockname()[1]
        done = order(tmp_path / 'state', 'up', '--offset', str(offset_to(port)))
    assert done.returncode == 1
    assert done.stderr.count('\n') == 1
    assert f'in use: port {port} (prometheus)' in done.stderr
    assert done.stdout == ''
    assert not (tmp_path / 'state').exists()


def test_an_offset_that_leaves_the_range_of_ports_is_told(tmp_path: Path) -> None:
    done = order(tmp_path / 'state', 'up', '--offset', '60000')
    assert (done.returncode, done.stderr) == (
        1,
        'integration: --offset 60000: port 69092 (kafka) does not exist\n',
    )


def test_free_ports_are_all_different() -> None:
    chosen = services.choose_ports(None)
    assert set(chosen) == set(page_ports())
    assert len(set(chosen.values())) == len(chosen)


@pytest.mark.parametrize('word', ['worker-1', 'worker-1:NAME', 'NAME=VALUE', 'worker-9:NAME=1'])
def test_a_wrong_variable_is_told(tmp_path: Path, word: str) -> None:
    done = order(tmp_path / 'state', 'up', '--free', '--env', word)
    assert done.returncode == 1
    assert f'integration: --env {word}: ' in done.stderr


def test_without_a_stack_orders_say_so(tmp_path: Path) -> None:
    for words in (['status'], ['stop', 'worker-1'], ['restart', 'worker-1', 'A=b']):
        done = order(tmp_path, *words)
        assert done.returncode == 1
        assert f'no stack runs at {tmp_path}' in done.stderr


def test_orders_and_their_errors_go_over_the_socket(tmp_path: Path) -> None:
    asked = []

    def act(action: str, service: str, variables: dict[str, str]) -> Answer:
        asked.append((action, service, variables))
        if action == 'stop':
            raise ControlError('it will not')
        return {'done': action}

    server = ControlServer(tmp_path, act)
    serving = threading.Thread(target=server.serve, args=(1.0,))
    serving.start()
    control = Control(tmp_path)
    assert control.ask('start', 'worker-1', NAME='value') == {'done': 'start'}
    with pytest.raises(ControlError, match='it will not'):
        control.ask('stop', 'worker-1')
    serving.join()
    server.close()
    assert asked == [('start', 'worker-1', {'NAME': 'value'}), ('stop', 'worker-1', {})]


def test_logs_are_shown_line_by_line_with_their_service(tmp_path: Path) -> None:
    out = io.StringIO()
    file = tmp_path / 'a.log'
    logs = Logs({'a': file, 'longer': tmp_path / 'missing.log'}, out)
    file.write_bytes(b'first\nhal')
    eventually(lambda: 'first' in out.getvalue(), 5, 'the first line')
    with file.open('ab') as more:
        more.write(b'f\n\xff\nno end')
    logs.close()
    assert out.getvalue() == 'a      | first\na      | half\na      | \ufffd\na      | no end\n'


def test_the_table_names_every_port() -> None:
    table = '\n'.join(lines(page_ports()))
    assert all(str(port) in table for port in page_ports().values())
