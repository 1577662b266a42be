"""Says why no broker answered: kafka-python only knows that none did."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Sequence

_PROBE_SECONDS = 2.0
# In this time a broker says that it misses the client's certificate; else it says nothing.
_OBJECTION_SECONDS = 2.0
_PORT = 9092


def why_not(brokers: Sequence[str], context: ssl.SSLContext | None) -> str:
    """Return, per broker `host:port`, what happens when it is connected to."""
    return '; '.join(f'{broker}: {_try(broker, context)}' for broker in brokers)


def _try(broker: str, context: ssl.SSLContext | None) -> str:
    host, port = _split(broker)
    try:
        with socket.create_connection((host, port), _PROBE_SECONDS) as plain:
            if context is None:
                return 'accepts connections, but gave no answer that Kafka would give'
            with context.wrap_socket(plain, server_hostname=host) as secured:
                return _objection(secured)
    except (OSError, OverflowError) as error:
        return getattr(error, 'strerror', None) or str(error) or type(error).__name__


def _objection(secured: ssl.SSLSocket) -> str:
    secured.settimeout(_OBJECTION_SECONDS)
    with contextlib.suppress(TimeoutError):
        if not secured.recv(1):
            return 'accepts TLS connections and closes them'
    return 'accepts TLS connections, but gave no answer that Kafka would give'


def _split(broker: str) -> tuple[str, int]:
    host, _, port = broker.rpartition(':')
    if not host or not port.isdigit():
        return broker, _PORT
    return host.strip('[]'), int(port)
