"""The native stack's parts that need no servers: ports, orders, logs."""

from __future__ import annotations

import io
import socket
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.servers import ports
from integration.stack import services
from integration.stack.control import Answer, Control, ControlError, ControlServer
from integration.stack.logs import Follower, Logs, follow, followers
from integration.stack.plan import page_ports
from integration.stack.table import lines
from integration.tests.environment import eventually, order


def offset_to(port: int) -> int:
    """Return the offset that puts Prometheus on a port."""
    return port - page_ports()['prometheus']


def test_a_busy_port_is_named_in_one_line_and_nothing_is_started(tmp_path: Path) -> None:
    (port,) = ports.pick()  # with its offset all others exist
    with socket.create_server((ports.HOST, port)):
        code, told, errors = order(tmp_path / 'state', 'up', '--offset', str(offset_to(port)))
    assert (code, told) == (1, '')
    assert errors.count('\n') == 1
    # With the same offset another one may be in use, too.
    assert errors.startswith('integration: in use: port ')
    assert f'{port} (prometheus)' in errors
    assert not (tmp_path / 'state').exists()


def test_an_offset_that_leaves_the_range_of_ports_is_told(tmp_path: Path) -> None:
    error = 'integration: --offset 60000: port 69092 (kafka) does not exist\n'
    assert order(tmp_path / 'state', 'up', '--offset', '60000') == (1, '', error)


def test_free_ports_are_all_different() -> None:
    chosen = services.choose_ports(None)
    assert set(chosen) == set(page_ports())
    assert len(set(chosen.values())) == len(chosen)


@pytest.mark.parametrize('word', ['worker-1', 'worker-1:NAME', 'NAME=VALUE', 'worker-9:NAME=1'])
def test_a_wrong_variable_is_told(tmp_path: Path, word: str) -> None:
    code, _, errors = order(tmp_path / 'state', 'up', '--free', '--env', word)
    assert code == 1
    assert errors.startswith(f'integration: --env {word}: ')
    assert errors.count('\n') == 1


@pytest.mark.parametrize(
    'words',
    [['status'], ['status', '--json'], ['stop', 'worker-1'], ['restart', 'worker-1', 'A=b']],
    ids=' '.join,
)
def test_without_a_stack_orders_say_so(tmp_path: Path, words: list[str]) -> None:
    assert order(tmp_path, *words) == (1, '', f'integration: no stack runs at {tmp_path}\n')


def test_without_logs_it_is_told(tmp_path: Path) -> None:
    error = f'integration: no logs in {tmp_path}/logs: no stack was started there\n'
    assert order(tmp_path, 'logs') == (1, '', error)


@pytest.mark.parametrize('name', ['file/state', 'long' * 30])
def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / 'file').touch()
    code, told, errors = order(tmp_path / name, 'up', '--free')
    assert (code, told) == (1, '')
    assert errors.startswith(f'integration: {tmp_path / name}')
    assert errors.count('\n') == 1


def test_orders_and_their_errors_go_over_the_socket(tmp_path: Path) -> None:
    asked = []

    def act(action: str, service: str, variables: dict[str, str]) -> Answer:
        asked.append((action, service, variables))
        if action == 'stop':
            raise ControlError('it will not')
        return {'done': action}

    server = ControlServer(tmp_path, act)
    done = threading.Event()

    def serve() -> None:
        while not done.is_set():
            server.serve(0.05)

    serving = threading.Thread(target=serve)
    serving.start()
    control = Control(tmp_path)
    try:
        assert control.ask('start', 'worker-1', NAME='value') == {'done': 'start'}
        with pytest.raises(ControlError, match='it will not'):
            control.ask('stop', 'worker-1')
    finally:
        done.set()
        serving.join()
        server.close()
    assert asked == [('start', 'worker-1', {'NAME': 'value'}), ('stop', 'worker-1', {})]


def test_logs_are_shown_line_by_line_with_their_service(tmp_path: Path) -> None:
    out = io.StringIO()
    file = tmp_path / 'a.log'
    logs = Logs({'a': file, 'longer': tmp_path / 'missing.log'}, out)
    file.write_bytes(b'first\nhal')
    try:
        eventually(lambda: 'first' in out.getvalue(), 20, 'the first line')
        with file.open('ab') as more:
            more.write(b'f\n\xff\nno end')
    finally:
        logs.close()
    assert out.getvalue() == 'a      | first\na      | half\na      | \ufffd\na      | no end\n'


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(tmp_path: Path, out: io.StringIO, *chosen: str) -> str:
    """Return what is shown of two services' logs."""
    (tmp_path / 'a').write_text('one\n')
    (tmp_path / 'b').write_text('two\n')
    files = followers({name: tmp_path / name for name in chosen}, ['a', 'b'], out)
    follow(files.values(), out, lambda _: True)
    return out.getvalue()


def test_names_are_coloured_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('NO_COLOR', raising=False)
    monkeypatch.setenv('TERM', 'xterm')
    coloured = '\x1b[36ma | \x1b[0mone\n\x1b[33mb | \x1b[0mtwo\n'
    assert shown(tmp_path, Terminal(), 'a', 'b') == coloured
    assert shown(tmp_path, io.StringIO(), 'a', 'b') == 'a | one\nb | two\n'
    monkeypatch.setenv('NO_COLOR', '1')
    assert shown(tmp_path, Terminal(), 'a', 'b') == 'a | one\nb | two\n'


def test_one_service_needs_no_name(tmp_path: Path) -> None:
    assert shown(tmp_path, io.StringIO(), 'b') == 'two\n'


@given(content=st.text('x\n', max_size=40), count=st.integers(0, 8))
def test_the_last_lines_are_whole(content: str, count: int) -> None:
    with tempfile.NamedTemporaryFile() as file:
        path = Path(file.name)
        path.write_text(content)
        follower = Follower(path)
        follower.skip_to_last(count)
        *whole, rest = content.split('\n')
        last = [f'{line}\n' for line in (whole[-count:] if count else [])]
        assert list(follower.lines(last=False)) == last
        path.write_text(f'{content}end\n')
        assert list(follower.lines(last=True)) == [f'{rest}end\n']


def test_the_last_lines_of_a_large_log_are_found(tmp_path: Path) -> None:
    path = tmp_path / 'log'
    path.write_text(''.join(f'{number:099}\n' for number in range(5000)))
    follower = Follower(path)
    follower.skip_to_last(1500)
    numbers = [int(line) for line in follower.lines(last=True)]
    assert numbers == list(range(3500, 5000))


def test_all_services_have_names(tmp_path: Path) -> None:
    assert list(services.make(services.places(page_ports(), tmp_path), {}).all) == services.names()


def test_the_table_names_every_port() -> None:
    table = '\n'.join(lines(page_ports()))
    assert all(str(port) in table for port in page_ports().values())
