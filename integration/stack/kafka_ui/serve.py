"""Kaskade, a terminal program for Kafka, in the browser: topics and groups, and messages.

    PYTHON serve.py PORT BROKERS

`/` shows topics with their partitions, settings and consumer groups, `/topics/NAME` the messages
of a topic. Each tab has a process of its own, which ends with the tab. PYTHON is one that has
kaskade and textual-serve; nothing of this repository is imported.
"""

# What it imports is only in the environment that runs it.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import asyncio
import contextlib
import logging
import shlex
import sys
from pathlib import Path

from aiohttp import WSCloseCode, web
from aiohttp_jinja2 import render_template
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from textual_serve.app_service import AppService
from textual_serve.server import Server, to_int

HOST = '127.0.0.1'
_FOLDER = Path(__file__).parent
_KAFKA_SECONDS = 5
_END_SECONDS = 2
_HEARTBEAT_SECONDS = 15


class Session(AppService):
    """The process of one tab."""

    async def stop(self) -> None:
        """Ask it to end; kill it when that takes long, for it has nothing to lose."""
        if self._process is None:
            return
        quitting = asyncio.create_task(super().stop())
        await asyncio.wait({quitting}, timeout=_END_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await quitting
        await self._process.wait()


class KafkaUi(Server):
    """Serves the page, a bar of topics over a terminal, and a process for each terminal."""

    def __init__(self, port: int, brokers: str) -> None:
        super().__init__('kaskade', HOST, port, title='Kafka UI', templates_path=_FOLDER)
        self._brokers = brokers
        self._origins = {f'http://{name}:{port}' for name in (HOST, 'localhost')}
        self._sockets: set[web.WebSocketResponse] = set()

    def initialize_logging(self) -> None:
        """Log what goes wrong, and not each request."""
        logging.basicConfig(level=logging.WARNING)

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.router.add_get('/topics/{topic}', self.handle_index)
        app.router.add_get('/ws/{topic}', self.handle_websocket)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say in the log where it is."""
        print(f'http://{HOST}:{self.port} shows the Kafka at {self._brokers}', flush=True)

    async def on_shutdown(self, app: web.Application) -> None:
        """Close all tabs, for the server waits for them."""
        closing = [socket.close(code=WSCloseCode.GOING_AWAY) for socket in self._sockets]
        await asyncio.gather(*closing, return_exceptions=True)

    async def handle_index(self, request: web.Request) -> web.Response:
        """Answer with the page."""
        topic = request.match_info.get('topic', '')
        problem = ''
        topics = []
        try:
            topics = await asyncio.to_thread(self._topics)
        except KafkaException as error:
            problem = str(error.args[0])
        context = {'topic': topic, 'topics': topics, 'problem': problem}
        return render_template('page.html', request, context)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run the process of a tab until either ends."""
        if request.headers.get('Origin') not in self._origins:
            raise web.HTTPForbidden(text='pages of other sites may not type here')
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_SECONDS)
        await socket.prepare(request)
        session = Session(
            self._program(request.match_info.get('topic', '')),
            write_bytes=socket.send_bytes,
            write_str=socket.send_str,
            close=socket.close,
            download_manager=self.download_manager,
        )
        width, height = (to_int(request.query.get(name, ''), 80) for name in ('width', 'height'))
        self._sockets.add(socket)
        try:
            await session.start(width, height)
            # A tab that goes while something is written to it.
            with contextlib.suppress(ConnectionError):
                await self._process_messages(socket, session)
        finally:
            self._sockets.discard(socket)
            await session.stop()
        return socket

    def _topics(self) -> list[str]:
        # Not kept: it would tell the log of every connection that a stopped Kafka ends.
        admin = AdminClient({'bootstrap.servers': self._brokers})
        found = admin.list_topics(timeout=_KAFKA_SECONDS).topics
        return sorted(name for name in found if not name.startswith('__'))

    def _program(self, topic: str) -> str:
        """Return the command line, for a shell: what a topic is called can do nothing there."""
        kaskade = [str(Path(sys.executable).with_name('kaskade'))]
        words = ['admin', f'--bootstrap-servers={self._brokers}']
        if topic:
            shown = [f'--topic={topic}', '--earliest', '--key=string', '--value=json']
            words = ['consumer', *words[1:], *shown]
        return f'exec {shlex.join(kaskade + words)}'


if __name__ == '__main__':
    KafkaUi(int(sys.argv[1]), sys.argv[2]).serve()
