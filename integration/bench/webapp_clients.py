"""Clients of the endpoint: each sends its next request when it has the answer to the last.

Says `ready`, takes a line `PORT CLIENTS REQUESTS`, and prints how long answers took as JSON;
an empty line ends it.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import time  # noqa: E402

import gevent  # noqa: E402
from gevent import socket  # noqa: E402

_BODY = b'{"request_id":"bench"}'
_REQUEST = (
    b'POST /process HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
    b'Content-Length: %d\r\n\r\n%s' % (len(_BODY), _BODY)
)


class Client:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(('127.0.0.1', port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.seconds: list[float] = []

    def run(self, requests: int) -> None:
        for _ in range(requests):
            started = time.perf_counter()
            self._socket.sendall(_REQUEST)
            self._read()
            self.seconds.append(time.perf_counter() - started)
        self._socket.close()

    def _read(self) -> None:
        said = b''
        while b'\r\n\r\n' not in said:
            said += self._more()
        head, _, body = said.partition(b'\r\n\r\n')
        if not head.startswith(b'HTTP/1.1 200 '):
            raise RuntimeError(said.decode(errors='replace'))
        length = int(head.lower().partition(b'content-length: ')[2].split(b'\r\n')[0])
        while len(body) < length:
            body += self._more()

    def _more(self) -> bytes:
        piece: bytes = self._socket.recv(65536)
        if not piece:
            raise RuntimeError('the server closed the connection')
        return piece


def measure(port: int, clients: int, requests: int) -> dict[str, float]:
    """Send about `requests` from so many clients; return the rate, and times in milliseconds."""
    made = [Client(port) for _ in range(clients)]
    each = max(1, requests // clients)
    started = time.perf_counter()
    running = [gevent.spawn(client.run, each) for client in made]
    gevent.joinall(running, raise_error=True)
    seconds = time.perf_counter() - started
    times = sorted(s * 1000 for client in made for s in client.seconds)
    return {
        'clients': clients,
        'rate': len(times) / seconds,
        'p50_ms': times[len(times) // 2],
        'p99_ms': times[min(len(times) - 1, len(times) * 99 // 100)],
    }


def main() -> None:
    print('ready', flush=True)
    while line := input():
        port, clients, requests = map(int, line.split())
        print(json.dumps(measure(port, clients, requests)), flush=True)


if __name__ == '__main__':
    main()
