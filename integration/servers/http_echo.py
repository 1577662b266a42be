"""An HTTP server for tests of clients: it echoes and records each request, and fails on demand."""

from __future__ import annotations

import base64
import http.client
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.servers import echo_app, ports
from integration.servers.server import NotReadyError, Server


@dataclass(frozen=True, slots=True)
class Request:
    """A request that came. Names of headers are in lower case."""

    time: float
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    outcome: int | str
    """The status that was answered, or the name of the fault."""

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


class HttpEcho(Server):
    """Answers 200 with the request's body. The records survive a restart, rules do not."""

    label = 'HTTP'

    @classmethod
    def find(cls) -> str | None:
        return sys.executable

    @classmethod
    def fetch(cls) -> None:
        """Nothing to fetch: it is part of this package."""

    def command(self) -> list[str]:
        app = Path(echo_app.__file__)
        records = self.folder / 'requests.jsonl'
        return [self.obtain(), '-I', '-S', str(app), str(self.port), str(records)]

    def ping(self) -> None:
        self._control('GET', 'ready')

    @property
    def dsn(self) -> str:
        """URL of the server, without a slash at its end."""
        return f'http://{self.address}'

    def requests(self, path: str = '/') -> list[Request]:
        """Return the requests, oldest first, whose path begins with `path`."""
        # After a soak these are tens of thousands.
        found = self._control('GET', f'requests?path={path}', timeout=60)
        return [Request(**{**item, 'body': base64.b64decode(item['body'])}) for item in found]

    def forget(self) -> None:
        """Forget all requests."""
        self._control('DELETE', 'requests')

    def rule(
        self,
        path: str = '/',
        *,
        status: int = 200,
        body: str | None = None,
        headers: dict[str, str] | None = None,
        delay: float = 0,
        fault: str = '',
        percent: float = 100,
        seed: int = 0,
        times: int | None = None,
        after: int = 0,
    ) -> None:
        """Say what happens to requests whose path begins with `path`; the newest rule wins.

        Args:
            status, body, headers: the answer; without a body the request's own.
            delay: seconds before the answer or the fault.
            fault: `reset` (RST after the request was read), `reset_unread` (RST before, and not
                recorded), `close` (no answer), `truncate` (less body than announced), `garbage`
                (no HTTP), `hang` (no answer until the client goes).
            percent: the share of requests that this happens to, drawn by `seed`.
            times: to so many requests and no more.
            after: not to the first so many.

        Raises ValueError for a fault that there is not.
        """
        self._control(
            'POST',
            'rules',
            {
                'path': path,
                'status': status,
                'body': body,
                'headers': headers or {},
                'delay': delay,
                'fault': fault,
                'percent': percent,
                'seed': seed,
                'times': times,
                'after': after,
            },
        )

    def behave(self, path: str = '') -> None:
        """Remove the rules whose path begins with `path`."""
        self._control('DELETE', f'rules?path={path}')

    def _control(self, method: str, what: str, body: Any = None, timeout: float = 5) -> Any:
        connection = http.client.HTTPConnection(ports.HOST, self.port, timeout=timeout)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, f'/_control/{what}', sent)
            answer = connection.getresponse()
            content = answer.read().decode()
            if answer.status == 400:
                raise ValueError(content)
            if answer.status != 200:
                raise NotReadyError(f'{method} /_control/{what}: {answer.status}')
            return json.loads(content)
        except http.client.HTTPException as error:
            raise NotReadyError(repr(error)) from error
        finally:
            connection.close()
