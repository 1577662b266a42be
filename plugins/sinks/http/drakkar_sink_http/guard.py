"""Keeps requests away from the metadata services of clouds, which hand out credentials."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import Any

import drakkar.api as dk

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NAMES = frozenset({'metadata', 'metadata.google.internal', 'metadata.goog', 'instance-data'})
NETWORKS = [
    ipaddress.ip_network(text)
    for text in (
        '169.254.0.0/16',  # link-local: AWS, Google, Azure, Oracle, DigitalOcean, containers
        'fd00:ec2::/32',  # AWS
        'fd20:ce::254/128',  # Google
        '100.100.100.200/32',  # Alibaba
        '168.63.129.16/32',  # Azure
        '192.0.0.192/32',  # Oracle
    )
]
_NAT64 = ipaddress.ip_network('64:ff9b::/96')


def forbidden_host(host: str) -> bool:
    """Return whether `host`, a name or an address in any notation, is one of them by itself."""
    name = host.strip('[]').rstrip('.').lower()
    if name in NAMES:
        return True
    try:
        return forbidden_address(name)
    except ValueError:
        pass
    try:  # 2852039166 and 0xa9fea9fe are addresses too
        return forbidden_address(socket.inet_ntoa(socket.inet_aton(name)))
    except (OSError, ValueError):
        return False


def forbidden_address(text: str) -> bool:
    """Return whether an address is a metadata service's. Raises ValueError where it is none."""
    address = _unwrapped(ipaddress.ip_address(text.partition('%')[0]))
    return any(address in network for network in NETWORKS)


def connect(host: str, port: int, options: Iterable[tuple[Any, ...]]) -> socket.socket:
    """Return a socket with `options` set, connected to the first address of `host` that answers.

    Only addresses that were checked are connected to: asking the name server
    twice could give two answers. Raises RefusedError where one is forbidden, and
    OSError where none answers.
    """
    if forbidden_host(host):
        raise _refusal(host)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if any(forbidden_address(str(address[0])) for *_, address in found):
        raise _refusal(host)
    failed = OSError(f'{host} has no address')
    for family, kind, protocol, _, address in found:
        sock = socket.socket(family, kind, protocol)
        try:
            for option in options:
                sock.setsockopt(*option)
            sock.connect(address)
        except OSError as error:
            sock.close()
            failed = error
        except BaseException:  # killed, or out of time
            sock.close()
            raise
        else:
            return sock
    raise failed


def _refusal(host: str) -> dk.RefusedError:
    return dk.RefusedError(f'{host} is a cloud metadata service: nothing was sent')


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address inside an IPv6 one that stands for it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
