"""Opens connections: names resolved beside the hub, one address after the other, each in time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import psycopg2
from gevent import socket
from psycopg2 import extensions

import drakkar.api as dk
from drakkar_sink_postgres.green import Connection
from drakkar_sink_postgres.verdict import NotNow

Parameters = dict[str, str]


def parse(dsn: str) -> Parameters:
    """Return what a DSN says. Raises ConfigError, without the DSN: there is a password in it."""
    try:
        return extensions.parse_dsn(dsn)
    except psycopg2.Error:
        raise dk.ConfigError('dsn: libpq can not read it') from None


def connect(
    parameters: Parameters, name: str, connect_timeout: float, query_timeout: float
) -> Connection:
    """Return a connection to the first address that takes one, in autocommit mode.

    libpq itself would resolve names in the hub's thread and, since it does not count
    time when it is used without blocking, wait for a dead first address for ever.
    `name` is the sink's, for pg_stat_activity. Raises NotWrittenError, and ConfigError
    where the server reads texts in the old way.
    """
    reasons: list[str] = []
    for address in _addresses(parameters, reasons):
        known = {'client_encoding': 'UTF8', 'fallback_application_name': f'drakkar {name}'}
        dsn = extensions.make_dsn(**{**known, **address})
        try:
            connection: Connection = psycopg2.connect(
                dsn, connection_factory=partial(Connection, timeout=connect_timeout)
            )
        except (psycopg2.Error, TimeoutError) as error:
            where = address.get('hostaddr') or address.get('host') or 'the default address'
            reasons.append(f'{where}: {" ".join(str(error).split())}')
        else:
            connection.autocommit = True
            connection.timeout = query_timeout
            if connection.get_parameter_status('standard_conforming_strings') != 'on':
                connection.close()
                raise dk.ConfigError('dsn: the server has standard_conforming_strings off')
            return connection
    raise NotNow('; '.join(reasons))


def _addresses(parameters: Parameters, reasons: list[str]) -> Iterator[Parameters]:
    """Yield the parameters for each address; enter names that do not resolve in `reasons`."""
    hosts = parameters.get('host', '').split(',')
    ports = parameters.get('port', '').split(',')
    if 'hostaddr' in parameters or 'service' in parameters or len(ports) not in (1, len(hosts)):
        yield parameters
        return
    for number, host in enumerate(hosts):
        port = ports[number] if len(ports) > 1 else ports[0]
        single = {**parameters, 'host': host, 'port': port}
        single = {key: value for key, value in single.items() if value}
        if not host or host[0] in '/@':  # a socket in the file system
            yield single
            continue
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError as error:
            reasons.append(f'{host}: {error.strerror}')
            continue
        for address in dict.fromkeys(entry[4][0] for entry in found):
            # The name stays: certificates and password files go by it.
            yield {**single, 'hostaddr': address}
