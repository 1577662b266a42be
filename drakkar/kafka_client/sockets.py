"""Mends what kafka-python 3.0 does with sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kafka.net.inet import KafkaNetSocket
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

_connect = KafkaNetSocket.sock_connect
_handshake = KafkaSSLTransport.handshake
_write = KafkaTCPTransport._write_to_sock
_receivers = {kind: kind._sock_recv for kind in (KafkaTCPTransport, KafkaSSLTransport)}


async def _connect_or_close(self: Any, net: Any, sock: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return await _connect(self, net, sock, *args, **kwargs)
    except BaseException:
        sock.close()
        raise


async def _shake_hands_or_close(self: Any) -> None:
    try:
        await _handshake(self)
    except BaseException:
        self._sock.close()
        raise


async def _write_or_close(self: Any) -> None:
    try:
        await _write(self)
    except GeneratorExit:  # the IO loop ends
        sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()
        raise


def _keeping_last_words(receive: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def received(self: Any) -> tuple[bytes, Exception | None]:
        data, error = receive(self)
        return (data, None) if data else (data, error)  # the next call finds the error again

    return received


def mend_sockets() -> None:
    """Mend kafka-python in this process; called by whoever makes the first client.

    Sockets stay open until the next garbage collection where a connection was refused (while a
    broker is away that is one every two seconds), where its TLS handshake failed, and where a
    client was closed while a request was on its way out. And when a broker answers and hangs up,
    as after a wrong password, the answer is thrown away.
    """
    KafkaNetSocket.sock_connect = _connect_or_close
    KafkaSSLTransport.handshake = _shake_hands_or_close
    KafkaTCPTransport._write_to_sock = _write_or_close
    for kind, receive in _receivers.items():
        kind._sock_recv = _keeping_last_words(receive)
