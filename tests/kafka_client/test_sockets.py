"""What kafka-python does with its sockets, once mended."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from kafka.net.selector import NetworkSelector
from kafka.net.transport import KafkaTCPTransport

from drakkar.kafka_client.sockets import mend_sockets
from tests.waiting import until

# More than the buffers of a connection hold.
MUCH = b'x' * (32 << 20)


class Line:
    """A connection that kafka-python has, and its other end; what came, and how it ended."""

    def __init__(self) -> None:
        mend_sockets()
        self.received = b''
        self.lost: list[Exception | None] = []
        self.net = NetworkSelector()
        self.net.start()
        with socket.create_server(('127.0.0.1', 0)) as server:
            self.socket = socket.create_connection(server.getsockname())
            self.peer, _ = server.accept()
        self.socket.setblocking(False)
        self.transport = KafkaTCPTransport(self.net, self.socket)
        self.transport.set_protocol(self)

    # As kafka-python's connection

    _sensors = None

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.append(error)

    def close(self) -> None:
        self.transport.close()
        self.net.close()
        self.peer.close()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()
    line.socket.close()


def test_a_client_closed_while_it_writes_leaves_no_socket_open(line: Line) -> None:
    line.net.call_soon_threadsafe(lambda: line.transport.write(MUCH))
    line.peer.recv(1)
    line.close()
    assert line.socket.fileno() == -1


def test_what_was_said_before_hanging_up_is_heard(line: Line) -> None:
    line.peer.sendall(b'wrong password')
    line.peer.close()
    line.net.call_soon_threadsafe(line.transport.resume_reading)
    until(lambda: line.lost)
    assert line.received == b'wrong password'
    assert isinstance(line.lost[0], Exception)
