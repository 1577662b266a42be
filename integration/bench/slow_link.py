"""A link to a server whose answers come late: a process between client and server.

`python -m integration.bench.slow_link PORT HOST:PORT MILLISECONDS` listens on PORT.
"""

from gevent import monkey

monkey.patch_all()

import contextlib  # noqa: E402
import socket  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Iterator  # noqa: E402

import gevent  # noqa: E402
from gevent.queue import SimpleQueue  # noqa: E402
from gevent.server import StreamServer  # noqa: E402

HOST = '127.0.0.1'
_CHUNK = 256 << 10


@contextlib.contextmanager
def slow_link(port: int, target: str, milliseconds: int) -> Iterator[None]:
    """Have port `port` lead to `target`, answers `milliseconds` late, while the block runs."""
    command = [sys.executable, '-m', 'integration.bench.slow_link']
    process = subprocess.Popen(
        [*command, str(port), target, str(milliseconds)], stdin=subprocess.PIPE
    )
    try:
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection((HOST, port)).close()
                break
            if process.poll() is not None:
                raise RuntimeError(f'the slow link ended with {process.returncode}')
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.communicate()


def serve(port: int, target: str, seconds: float) -> None:
    """Serve until killed; each chunk of an answer waits `seconds`, none waits for another."""
    host, _, number = target.rpartition(':')

    def handle(client: socket.socket, _address: object) -> None:
        with socket.create_connection((host, int(number))) as server:
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            directions = [
                gevent.spawn(_forward, client, server, 0.0),
                gevent.spawn(_forward, server, client, seconds),
            ]
            gevent.joinall(directions, count=1)
            gevent.killall(directions)

    StreamServer((HOST, port), handle).serve_forever()


def _forward(source: socket.socket, sink: socket.socket, seconds: float) -> None:
    """Pass on what `source` says until either end closes."""
    chunks: SimpleQueue[tuple[float, bytes]] = SimpleQueue()

    def receive() -> None:
        data = b' '
        while data:
            try:
                data = source.recv(_CHUNK)
            except OSError:
                data = b''
            chunks.put((time.monotonic() + seconds, data))

    receiver = gevent.spawn(receive)
    try:
        while True:
            due, data = chunks.get()
            gevent.sleep(max(0.0, due - time.monotonic()))
            if not data:
                return
            sink.sendall(data)
    except OSError:
        return
    finally:
        receiver.kill()


if __name__ == '__main__':
    serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]) / 1000)
