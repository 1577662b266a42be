"""An HTTP server that records requests and misbehaves as their path asks.

    python -I endpoint.py PORT [CERTIFICATE KEY]

Port 0 is any. Prints its port, serves until its standard input ends. `GET /received` returns what
came, `DELETE /received` forgets it. Uses nothing outside the standard library.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

received: list[dict[str, Any]] = []
counts: dict[str, int] = {}
busy: list[int] = [0, 0]  # requests under way, and the most there were
lock = threading.Lock()


class Endpoint(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == '/received':
            self.show()
            return
        with lock:
            busy[0] += 1
            busy[1] = max(busy)
            received.append(
                {
                    'method': self.command,
                    'path': self.path,
                    'headers': dict(self.headers),
                    'body': body.decode(),
                    'client': self.client_address[1],
                }
            )
        try:
            fault = getattr(self, 'fault_' + url.path.rstrip('/').rpartition('/')[2], None)
            if fault is None:
                self.answer(200, b'taken')
            else:
                fault(query, body)
        finally:
            with lock:
                busy[0] -= 1

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET = handle_any  # noqa: N815

    def show(self) -> None:
        with lock:
            shown = json.dumps({'requests': received, 'most_at_once': busy[1]}).encode()
            if self.command == 'DELETE':
                received.clear()
                counts.clear()
                busy[1] = 0
        self.answer(200, shown)

    def answer(self, status: int, body: bytes = b'', **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace('_', '-'), value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fault_status(self, query: dict[str, str], body: bytes) -> None:
        """Answer with `code`; only the first `times` where given (counted for each `id`)."""
        with lock:
            number = counts[query.get('id', '')] = counts.get(query.get('id', ''), 0) + 1
        if number > int(query.get('times', 1_000_000)):
            self.answer(200)
            return
        headers = {'Retry_After': query['after']} if 'after' in query else {}
        self.answer(int(query['code']), query.get('text', '').encode(), **headers)

    def fault_odd(self, query: dict[str, str], body: bytes) -> None:
        """Refuse a body that has an odd number anywhere in it."""
        odd = any(row['number'] % 2 for row in json.loads(body))
        self.answer(422 if odd else 200, b'odd numbers are not taken')

    def fault_delay(self, query: dict[str, str], body: bytes) -> None:
        """Answer after so many seconds."""
        time.sleep(float(query['seconds']))
        self.answer(200, b'late')

    def fault_drip(self, query: dict[str, str], body: bytes) -> None:
        """Begin to answer, and never come to an end."""
        self.send_response(200)
        self.send_header('Content-Length', '1000000000')
        self.end_headers()
        while True:
            self.wfile.write(b'x' * int(query.get('size', 1)))
            self.wfile.flush()
            time.sleep(0.01)

    def fault_reset(self, query: dict[str, str], body: bytes) -> None:
        """Reset the connection instead of an answer."""
        self.drop()

    def fault_cut(self, query: dict[str, str], body: bytes) -> None:
        """Reset the connection in the middle of the body of an answer."""
        self.send_response(200)
        self.send_header('Content-Length', '100')
        self.end_headers()
        self.wfile.write(b'half')
        self.wfile.flush()
        self.drop()

    def fault_garbage(self, query: dict[str, str], body: bytes) -> None:
        """Answer something that is not HTTP."""
        self.wfile.write(b'\x00\xff SSH-2.0 hello\r\n\r\n')
        self.wfile.flush()
        self.drop()

    def fault_hangup(self, query: dict[str, str], body: bytes) -> None:
        """Answer, and close the connection without having said so."""
        self.answer(200)
        self.close_connection = True

    def fault_redirect(self, query: dict[str, str], body: bytes) -> None:
        """Send the request elsewhere."""
        self.answer(int(query['code']), Location=query['to'])

    def drop(self) -> None:
        """Reset the connection: it is closed when the files made of it are."""
        reset = struct.pack('ii', 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        self.close_connection = True
        for part in (self.wfile, self.rfile, self.connection):
            part.close()

    def log_message(self, *args: Any) -> None:
        """Be quiet."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or was sent away, is no error."""


def main() -> None:
    server = Server(('127.0.0.1', int(sys.argv[1])), Endpoint)
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*sys.argv[2:])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == '__main__':
    main()
