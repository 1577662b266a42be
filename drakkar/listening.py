"""Takes a TCP port for one of the worker's servers, or says what to change; who reaches it."""

from __future__ import annotations

import errno
import ipaddress
import socket as native_socket
from typing import Any

from gevent import socket

from drakkar.errors import ConfigError

_BIND_ERRORS = {
    errno.EADDRINUSE: 'is in use; choose a free port, or 0 for any free one',
    errno.EACCES: 'may not be bound without privileges; choose a port above 1023',
    errno.EADDRNOTAVAIL: 'is not an address of this machine; choose one of its own, or 0.0.0.0',
}


def listen(section: str, host: str, port: int, backlog: int) -> Any:
    """Return a cooperative socket that listens: a bound one would not collide with another.

    Raises ConfigError that names the option of `[section]`.
    """
    try:
        return _listening(host, port, backlog)
    except OSError as error:
        raise ConfigError(_problem(error, section, host, port)) from error


def local_url(host: str, port: int) -> str:
    """Return the URL of a server that listens on `host`, as seen from this machine."""
    if host in ('', '0.0.0.0', '::'):
        host = '127.0.0.1'
    return f'http://[{host}]:{port}' if ':' in host else f'http://{host}:{port}'


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    if host.lower().rstrip('.') == 'localhost':
        return True
    try:
        return ipaddress.ip_address(host.strip('[]')).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int, backlog: int) -> Any:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=native_socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(backlog)
    except BaseException:
        listener.close()
        raise
    return listener


def _problem(error: OSError, section: str, host: str, port: int) -> str:
    if isinstance(error, native_socket.gaierror):
        return f'[{section}] host = {host}: is not known; use an address of this machine'
    option = 'host' if error.errno == errno.EADDRNOTAVAIL else 'port'
    value = host if option == 'host' else port
    reason = _BIND_ERRORS.get(error.errno or 0, f'can not be bound: {error.strerror}')
    return f'[{section}] {option} = {value}: {host}:{port} {reason}'
