"""Closes what kafka-python 3.0 leaves open: the socket of each connection that was refused.

While a broker is away that is one every two seconds, open until the next garbage
collection finds it.
"""

from __future__ import annotations

from typing import Any

from kafka.net.inet import KafkaNetSocket

_connect = KafkaNetSocket.sock_connect


async def _connect_or_close(self: Any, net: Any, sock: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return await _connect(self, net, sock, *args, **kwargs)
    except BaseException:
        sock.close()
        raise


def close_refused_sockets() -> None:
    """Mend kafka-python in this process; called by whoever makes the first client."""
    KafkaNetSocket.sock_connect = _connect_or_close
