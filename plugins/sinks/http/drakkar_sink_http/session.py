"""A requests session that waits as gevent does and goes only where it may."""

from __future__ import annotations

import select
import socket
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from gevent.monkey import get_original
from gevent.queue import LifoQueue
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.response import HTTPResponse

from drakkar_sink_http import guard

MAX_REDIRECTS = 5
# What another host may see of a request that was redirected there.
NEUTRAL_HEADERS = frozenset(
    {'accept', 'accept-encoding', 'content-length', 'content-type', 'user-agent'}
)


# Asks without a switch of greenlets; gevent's own waits in the hub.
native_poll = get_original('select', 'poll')


class NotConnectedError(ConnectionError):
    """There was no connection, or no handshake on it: no request was sent."""


class StaleConnectionError(ConnectionError):
    """The server closed a connection that had been idle just when it was used again."""


class _Guarded(HTTPConnection):
    """A connection that is never made to a metadata service, whatever a name resolves to."""

    _answered = False

    def _new_conn(self) -> socket.socket:
        self._answered = False
        port = self.port or self.default_port
        try:
            return guard.connect(self._dns_host, port, self.socket_options or ())
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error

    def connect(self) -> None:
        try:
            super().connect()
        except OSError as error:
            raise NotConnectedError(str(error)) from error

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 has it
        try:
            response = super().getresponse()
        except ConnectionError as error:  # not a byte of an answer has come
            if self._answered:
                raise StaleConnectionError(str(error)) from error
            raise
        self._answered = True
        return response

    @property
    def is_connected(self) -> bool:
        """Whether the server has not closed it, and has not spoken without being asked.

        urllib3's own way switches greenlets: one that is killed there, between
        taking a connection and having it, takes its place in the pool away for ever.
        """
        sock = self.sock
        if sock is None or sock.fileno() < 0:
            return False
        poll = native_poll()
        poll.register(sock, select.POLLIN)
        return not poll.poll(0)


class _GuardedTls(_Guarded, HTTPSConnection):
    pass


# urllib3's own pool uses a queue that can deadlock under gevent.


class _Pool(HTTPConnectionPool):
    QueueCls = LifoQueue
    ConnectionCls = _Guarded


class _TlsPool(HTTPSConnectionPool):
    QueueCls = LifoQueue
    ConnectionCls = _GuardedTls


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {'http': _Pool, 'https': _TlsPool}


class Session(requests.Session):
    """Keeps up to `connections` connections, no cookies, and takes nothing from the environment.

    Redirects are followed only where the request stays what it is (307, 308)
    and as safe as it is; another host gets none of the sink's headers.
    """

    def __init__(self, connections: int) -> None:
        super().__init__()
        self.trust_env = False
        self.max_redirects = MAX_REDIRECTS
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ('http://', 'https://'):
            self.mount(scheme, _Adapter(pool_maxsize=connections, pool_block=True))

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target is None or resp.status_code not in (307, 308):
            return None
        downgrade = str(resp.url).startswith('https:') and urlsplit(target).scheme == 'http'
        return None if downgrade else target

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        if self.should_strip_auth(str(response.request.url), str(prepared_request.url)):
            for name in [n for n in prepared_request.headers if n.lower() not in NEUTRAL_HEADERS]:
                del prepared_request.headers[name]
