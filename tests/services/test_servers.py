"""What every server can do, and what becomes of it when its owner dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from integration.servers import ports
from integration.servers.fixtures import unobtainable
from integration.servers.obtain import NotObtainableError
from integration.servers.server import NotReadyError, Server, StartError
from tests.services.waiting import wait_until

LISTENER = """
import os, socket, sys, time
folder, port = sys.argv[1], int(sys.argv[2])
server = socket.create_server(('127.0.0.1', port))
if os.fork() == 0:
    os.setsid()
    time.sleep(60)
while True:
    connection, _ = server.accept()
    with connection:
        with open(folder + '/count', 'a') as count:
            count.write('x')
        connection.sendall(b'hello')
"""


class Listener(Server):
    """A server that counts its connections, with a child in a session of its own."""

    label = 'Listener'
    program = LISTENER

    @classmethod
    def find(cls):
        return sys.executable

    def command(self):
        return [sys.executable, '-c', self.program, str(self.folder), str(self.port)]

    def ping(self):
        with socket.create_connection((ports.HOST, self.port), timeout=1) as connection:
            if connection.recv(5) != b'hello':
                raise NotReadyError('no hello')


class Broken(Listener):
    program = 'import sys; sys.exit("no such luck")'


class Deaf(Listener):
    program = 'import time; time.sleep(60)'


@pytest.fixture
def listener():
    with Listener() as server:
        yield server


def members(server):
    return [psutil.Process(pid) for pid in server.pids]


def gone(processes):
    return all(is_gone(p) for p in processes)


def is_gone(process):
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it went between the two questions
        return True


def test_it_is_ready_when_started(listener):
    listener.ping()
    wait_until(lambda: len(listener.pids) == 2)


@pytest.mark.parametrize('how', ['stop', 'kill', 'close'])
def test_nothing_of_it_is_left(listener, how):
    wait_until(lambda: len(listener.pids) == 2)
    processes = members(listener)
    getattr(listener, how)()
    assert gone(processes)
    assert not listener.running


def test_paused_it_answers_nothing_and_resumed_it_does(listener):
    wait_until(lambda: len(listener.pids) == 2)
    listener.pause()
    assert [p.status() for p in members(listener)] == [psutil.STATUS_STOPPED] * 2
    with pytest.raises(TimeoutError):
        listener.ping()
    listener.resume()
    listener.ping()


def test_a_paused_one_can_be_killed(listener):
    processes = members(listener)
    listener.pause()
    listener.kill()
    assert gone(processes)


def test_a_paused_one_can_be_stopped(listener):
    listener.pause()
    listener.stop()
    assert not listener.running


def test_a_restart_keeps_port_and_data(listener):
    before, address = (listener.folder / 'count').read_text(), listener.address
    listener.restart()
    assert listener.address == address
    assert (listener.folder / 'count').read_text().startswith(before)
    assert len((listener.folder / 'count').read_text()) > len(before)


def test_it_can_not_be_started_twice(listener):
    with pytest.raises(RuntimeError, match='runs already'):
        listener.start()


@pytest.mark.parametrize('how', ['stop', 'kill', 'pause', 'restart', 'resume'])
def test_heal_brings_it_back(listener, how):
    getattr(listener, how)()
    listener.heal()
    listener.ping()
    assert not listener.paused


def test_one_that_fails_shows_its_log():
    with pytest.raises(StartError, match='no such luck'), Broken():
        pass


def test_one_that_does_not_answer_is_given_up():
    server = Deaf()
    try:
        server.launch()
        with pytest.raises(StartError, match=r'not ready within 0\.1 s'):
            server.wait_ready(0.1)
    finally:
        server.close()


def test_a_port_that_someone_took_is_left_to_him(monkeypatch):
    with socket.create_server((ports.HOST, 0)) as thief:
        taken = thief.getsockname()[1]
        picks = iter([[taken], ports.pick()])
        monkeypatch.setattr(ports, 'pick', lambda count: next(picks))
        with Listener() as server:
            assert server.port != taken


def test_a_port_is_given_out_once():
    given = ports.pick(50)
    assert len(set(given)) == 50
    assert all(port < 32_768 for port in given)


def test_a_taken_port_is_not_free():
    with socket.create_server((ports.HOST, 0)) as server:
        assert not ports.is_free(server.getsockname()[1])


OWNER = """
import sys, time
from tests.services.test_servers import Listener, wait_until
server = Listener().start()
wait_until(lambda: len(server.pids) == 2)
if sys.argv[1] == 'paused':
    server.pause()
print(server.folder, *server.pids, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize('state', ['running', 'paused'])
def test_the_death_of_its_owner_ends_it_and_its_folder(state):
    owner = subprocess.Popen(
        [sys.executable, '-c', OWNER, state],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    )
    with owner:
        folder, *pids = owner.stdout.readline().split()
        processes = [psutil.Process(int(pid)) for pid in pids]
        owner.send_signal(signal.SIGKILL)
    wait_until(lambda: gone(processes))
    wait_until(lambda: not os.path.exists(folder))


def test_one_that_can_not_be_had_skips_with_the_reason(monkeypatch):
    monkeypatch.delenv('DRAKKAR_TEST_REQUIRE', raising=False)
    with pytest.raises(pytest.skip.Exception, match='no network'):
        unobtainable('no network')


def test_one_that_is_required_fails_instead(monkeypatch):
    monkeypatch.setenv('DRAKKAR_TEST_REQUIRE', '1')
    with pytest.raises(pytest.fail.Exception, match='no network'):
        unobtainable('no network')


def test_what_can_not_be_fetched_is_said():
    class Nowhere(Listener):
        @classmethod
        def find(cls):
            return None

        @classmethod
        def fetch(cls):
            raise NotObtainableError('nowhere to be had')

    server = Nowhere()
    with pytest.raises(NotObtainableError, match='nowhere'):
        server.start()
    server.close()
