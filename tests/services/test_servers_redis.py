"""The Redis server: really Redis, and its data outlives a stop and a kill."""

from __future__ import annotations

import socket

import pytest

from integration.servers import ports


def ask(server, *words, timeout=20):
    """Send one command; return the whole answer."""
    request = [f'*{len(words)}\r\n', *(f'${len(word)}\r\n{word}\r\n' for word in words)]
    with socket.create_connection((ports.HOST, server.port), timeout=timeout) as connection:
        connection.sendall(''.join(request).encode())
        return connection.recv(1000).decode()


@pytest.mark.parametrize('how', ['stop', 'kill'])
def test_what_was_written_is_there_after_a_restart(redis_server, unique_name, how):
    port = redis_server.port
    assert ask(redis_server, 'SET', unique_name, how) == '+OK\r\n'
    getattr(redis_server, how)()
    with pytest.raises(ConnectionRefusedError):
        ask(redis_server, 'PING')
    redis_server.start()
    assert redis_server.port == port
    assert how in ask(redis_server, 'GET', unique_name)


def test_paused_it_takes_connections_and_does_not_answer(redis_server):
    redis_server.pause()
    with pytest.raises(TimeoutError):
        ask(redis_server, 'PING', timeout=0.5)
    redis_server.resume()
    assert ask(redis_server, 'PING') == '+PONG\r\n'


def test_a_test_may_leave_it_dead(redis_server):
    redis_server.kill()


def test_the_next_test_finds_it_alive(redis_server):
    assert ask(redis_server, 'PING') == '+PONG\r\n'


def test_urls_name_a_database(redis_server):
    assert redis_server.dsn == f'redis://127.0.0.1:{redis_server.port}/0'
    assert redis_server.url(7).endswith('/7')
