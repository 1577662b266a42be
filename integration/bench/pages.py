"""Open pages without a browser: WebSockets that read, and some that do not.

Says `ready`, takes a line `PORT PAGES IDLE TOPICS`, reads until the worker ends, and
prints what it got as JSON.
"""

from gevent import monkey

monkey.patch_all()

import base64  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402

import gevent  # noqa: E402
from gevent import socket  # noqa: E402


class Page:
    """One WebSocket; `reads` says whether it takes what it is sent."""

    def __init__(self, port: int, topics: str, reads: bool) -> None:
        self.received = 0
        self._reads = reads
        self._socket = socket.socket()
        if not reads:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(('127.0.0.1', port))
        key = base64.b64encode(os.urandom(16)).decode()
        head = (
            f'GET /ws?topics={topics} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n'
            f'Upgrade: websocket\r\nConnection: Upgrade\r\nOrigin: http://127.0.0.1:{port}\r\n'
            f'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n'
        )
        self._socket.sendall(head.encode())

    def run(self) -> None:
        """Read to the end, or do nothing."""
        if not self._reads:
            return
        try:
            while data := self._socket.recv(65536):
                self.received += len(data)
        except OSError:
            return  # the worker has gone


def main() -> None:
    print('ready', flush=True)
    port, pages, idle, topics = input().split()
    opened = [Page(int(port), topics, n >= int(idle)) for n in range(int(pages))]
    gevent.joinall([gevent.spawn(page.run) for page in opened])
    received = [page.received for page in opened if page.received]
    print(json.dumps({'pages': len(received), 'received_mib': sum(received) / 2**20}))


if __name__ == '__main__':
    main()
