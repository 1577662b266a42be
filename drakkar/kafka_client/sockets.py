"""Mends what kafka-python 3.0 does with sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kafka.net.inet import KafkaNetSocket
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

_connect = KafkaNetSocket.sock_connect
_handshake = KafkaSSLTransport.handshake
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


def _keeping_last_words(receive: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def received(self: Any) -> tuple[bytes, Exception | None]:
        data, error = receive(self)
        return (data, None) if data else (data, error)  # the next call finds the error again

    return received


def mend_sockets() -> None:
    """Mend kafka-python in this process; called by whoever makes the first client.

    A connection that was refused, or whose TLS handshake failed, leaves its socket open until the
    next garbage collection; while a broker is away that is one every two seconds. And when a
    broker answers and hangs up, as after a wrong password, the answer is thrown away.
    """
    KafkaNetSocket.sock_connect = _connect_or_close
    KafkaSSLTransport.handshake = _shake_hands_or_close
    for kind, receive in _receivers.items():
        kind._sock_recv = _keeping_last_words(receive)
