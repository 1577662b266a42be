"""The HTTP echo server: it records, it fails as told, and its records outlive a restart."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from collections import Counter

import pytest


@pytest.fixture
def send(http_echo, http_path):
    """Return a function that sends a request in a connection of its own: (status, body)."""

    def request(body='', below='', timeout=20.0, method='POST', headers=None):
        host, port = http_echo.address.split(':')
        connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, http_path + below, body, headers or {})
            with connection.getresponse() as answer:
                return answer.status, answer.read().decode()

    return request


@pytest.mark.parametrize('half', ['Content-Length: 9\r\n\r\nhal', 'Content-Length: 9\r\n\r\n'])
def test_a_client_that_goes_in_the_middle_has_asked_nothing(http_echo, http_path, send, half):
    host, port = http_echo.address.split(':')
    with socket.create_connection((host, int(port)), timeout=5) as client:
        client.sendall(f'POST {http_path} HTTP/1.1\r\nHost: x\r\n{half}'.encode())
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b''
    assert send('whole')[0] == 200
    assert [request.body for request in http_echo.requests(http_path)] == [b'whole']


def test_it_echoes_and_records(http_echo, http_path, send):
    assert send('{"a": 1}', '/x?q=1', headers={'X-Key': 'k', 'Content-Type': 'a/b'}) == (
        200,
        '{"a": 1}',
    )
    (request,) = http_echo.requests(http_path)
    assert (request.method, request.path, request.query) == ('POST', f'{http_path}/x', 'q=1')
    assert request.json() == {'a': 1}
    assert request.headers['x-key'] == 'k'
    assert request.outcome == 200
    assert request.time <= time.time()


def test_a_chunked_body_is_read_whole(http_echo, http_path, send):
    assert send(iter([b'one ', b'two']))[0] == 200
    assert http_echo.requests(http_path)[0].body == b'one two'


def test_a_connection_is_kept(http_echo, http_path):
    connection = http.client.HTTPConnection(http_echo.address, timeout=20)
    with contextlib.closing(connection):
        ports = set()
        for _ in range(3):
            connection.request('POST', http_path, b'x')
            connection.getresponse().read()
            ports.add(connection.sock.getsockname())
    assert len(ports) == 1


def test_a_status_a_number_of_times(http_echo, http_path, send):
    http_echo.rule(http_path, status=503, body='busy', times=2, after=1)
    assert [send('ok') for _ in range(4)] == [
        (200, 'ok'),
        (503, 'busy'),
        (503, 'busy'),
        (200, 'ok'),
    ]
    assert [r.outcome for r in http_echo.requests(http_path)] == [200, 503, 503, 200]


def test_a_share_of_requests_fails_the_same_with_the_same_seed(http_echo, http_path, send):
    outcomes = []
    for below in ('/one', '/two'):
        http_echo.rule(http_path + below, status=500, percent=30, seed=7)
        outcomes.append([send(below=below)[0] for _ in range(100)])
    assert outcomes[0] == outcomes[1]
    assert 15 < Counter(outcomes[0])[500] < 45


def test_rules_are_for_their_path_and_can_be_removed(http_echo, http_path, send):
    http_echo.rule(f'{http_path}/bad', status=500)
    assert send(below='/good')[0] == 200
    assert send(below='/bad')[0] == 500
    http_echo.behave(http_path)
    assert send(below='/bad')[0] == 200


def test_the_newest_rule_wins(http_echo, http_path, send):
    http_echo.rule(http_path, status=500)
    http_echo.rule(http_path, status=404, headers={'X-Why': 'test'})
    assert send()[0] == 404


def test_a_delay(http_echo, http_path, send):
    http_echo.rule(http_path, delay=0.2)
    started = time.monotonic()
    assert send()[0] == 200
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize(
    ('fault', 'error', 'recorded'),
    [
        ('reset', ConnectionResetError, True),
        ('reset_unread', ConnectionResetError, False),
        ('close', http.client.RemoteDisconnected, True),
        ('truncate', http.client.IncompleteRead, True),
        ('garbage', http.client.BadStatusLine, True),
        ('hang', TimeoutError, True),
    ],
)
def test_faults(http_echo, http_path, send, fault, error, recorded):
    http_echo.rule(http_path, fault=fault, times=1)
    with pytest.raises(error):
        send('body', timeout=1 if fault == 'hang' else 20)
    assert send('again') == (200, 'again')
    first = ['body'] if recorded else []
    assert [r.body.decode() for r in http_echo.requests(http_path)] == [*first, 'again']


def test_a_wrong_rule_is_refused(http_echo, http_path):
    with pytest.raises(ValueError, match='no such fault'):
        http_echo.rule(http_path, fault='explode')


@pytest.mark.parametrize('how', ['stop', 'kill'])
def test_records_are_there_after_a_restart(http_echo, http_path, send, how):
    assert send('before')[0] == 200
    getattr(http_echo, how)()
    with pytest.raises(ConnectionRefusedError):
        send()
    http_echo.start()
    assert send('after')[0] == 200
    assert [r.body for r in http_echo.requests(http_path)] == [b'before', b'after']


def test_paused_it_does_not_answer(http_echo, send):
    http_echo.pause()
    with pytest.raises(TimeoutError):
        send(timeout=0.2)
    http_echo.resume()
    assert send()[0] == 200


def test_a_test_may_leave_it_dead(http_echo):
    http_echo.kill()


def test_forgetting(http_echo, http_path, send):
    send()
    http_echo.forget()
    assert http_echo.requests(http_path) == []
