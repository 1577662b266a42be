"""Sends one request, again where that is safe, and waits when the server asks to."""

from __future__ import annotations

import itertools
import random
import time
from typing import Any

import gevent
import requests
import urllib3
import urllib3.exceptions

import drakkar.api as dk
from drakkar_sink_http.answer import (
    BusyError,
    NotReachedError,
    UnansweredError,
    judge,
    unanswered,
)
from drakkar_sink_http.session import Session

FIRST_WAIT_SECONDS = 0.05


class Client:
    """The way to one server; several greenlets may send at once."""

    def __init__(self, options: Any) -> None:
        self._timeout: float = options.timeout_seconds
        self._max_retries: int = options.max_retries
        self._redirects: bool = options.follow_redirects
        self._verify: bool | str = options.verify_tls and (options.ca_file or True)
        if not self._verify:  # the operator has been told, in the option's description
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self._session = Session(options.concurrency)
        self._not_before = 0.0

    def connect(self, url: str) -> None:
        """Open a first connection to `url` and keep it. Raises as `send` does."""
        request = requests.Request('POST', url).prepare()
        adapter = self._session.get_adapter(url)
        with self._limit():
            try:
                pool = adapter.get_connection_with_tls_context(  # type: ignore[attr-defined]
                    request, self._verify
                )
                connection = pool._get_conn()
                try:
                    connection.connect()
                except BaseException:
                    connection.close()
                    raise
                finally:
                    pool._put_conn(connection)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise unanswered(error) from error

    def send(self, request: requests.PreparedRequest) -> None:
        """Send `request`; return when the server took it.

        Raises RefusedError where it did not and will not, NotReachedError where
        there is no way to it, UnansweredError where it did not answer, and
        TransientSinkError for any other trouble.
        """
        for attempt in itertools.count():
            self._wait_turn()
            try:
                self._exchange(request)
            except BusyError as error:
                self._not_before = max(self._not_before, time.monotonic() + error.seconds)
                if attempt >= self._max_retries:
                    raise
            except NotReachedError:
                if attempt >= self._max_retries:
                    raise
            except UnansweredError as error:
                if not error.stale or attempt >= self._max_retries:
                    raise
            else:
                return
            gevent.sleep(FIRST_WAIT_SECONDS * 2**attempt * random.uniform(1.0, 1.5))

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def _wait_turn(self) -> None:
        """Wait as the last Retry-After asked. Raises TransientSinkError where that is too long."""
        while (seconds := self._not_before - time.monotonic()) > 0:
            if seconds > self._timeout:
                raise dk.TransientSinkError(
                    f'the server asked to come again in {seconds:.0f} seconds'
                )
            gevent.sleep(seconds)

    def _exchange(self, request: requests.PreparedRequest) -> None:
        with self._limit():
            try:
                response = self._session.send(
                    request,
                    stream=True,
                    verify=self._verify,
                    allow_redirects=self._redirects,
                )
                with response:
                    judge(response)
            except requests.TooManyRedirects as error:
                raise dk.RefusedError('redirected in a circle') from error
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                raise unanswered(error) from error

    def _limit(self) -> _Limit:
        return _Limit(self._timeout)


class _Limit(gevent.Timeout):
    """A block that may take so many seconds; more is an UnansweredError."""

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> None:
        self.close()
        if value is self:
            raise UnansweredError(f'no answer within {self.seconds} seconds') from None
