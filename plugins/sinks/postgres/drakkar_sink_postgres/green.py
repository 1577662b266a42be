"""Makes psycopg2 wait in gevent's hub, with a limit for each wait.

The driver has one hook for that in the whole process. Connections that others make
are served by it too, without a limit.
"""

from __future__ import annotations

import gevent
import psycopg2
from gevent.socket import wait_read, wait_write
from psycopg2 import extensions


class Connection(extensions.connection):
    """A connection whose every query may take `timeout` seconds; TimeoutError then.

    It can not be used again after that, nor after its greenlet was killed in a query.
    """

    def __init__(self, dsn: str, timeout: float, **kwargs: object) -> None:
        self.timeout = timeout  # before the driver connects, for it waits there already
        super().__init__(dsn, **kwargs)


def install() -> None:
    """Let every psycopg2 connection of this process wait cooperatively."""
    if extensions.get_wait_callback() is not wait:
        extensions.set_wait_callback(wait)


def wait(connection: extensions.connection) -> None:
    """Wait until the connection has its answer. Raises TimeoutError; called by psycopg2."""
    seconds = getattr(connection, 'timeout', None)
    with gevent.Timeout(seconds, TimeoutError(f'no answer within {seconds} seconds')):
        while True:
            state = connection.poll()
            if state == extensions.POLL_OK:
                return
            if state == extensions.POLL_READ:
                wait_read(connection.fileno())
            elif state == extensions.POLL_WRITE:
                wait_write(connection.fileno())
            else:
                raise psycopg2.OperationalError(f'unknown answer of poll: {state}')
