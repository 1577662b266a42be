"""Serves one connection: plain HTTP, or the upgrade to a WebSocket at `/ws`."""

from __future__ import annotations

import contextlib
import socket

from geventwebsocket.handler import WebSocketHandler

from drakkar.ui.connection import BoundedHandler
from drakkar.ui.errors import HttpError, status_line
from drakkar.ui.request import Request
from drakkar.ui.wire import json_answer, with_safe_headers
from drakkar.ui.ws.client import Client, listen

PATH = '/ws'
# So that a browser that reads nothing holds little of the kernel's memory.
_SEND_BUFFER_BYTES = 64 * 1024
_CLOSE_SECONDS = 2.0


class ConnectionHandler(BoundedHandler):
    """One connection of the UI's server, which has `guard`, `hub` and `greenlets`."""

    def run_application(self) -> None:
        """Answer a request; a WebSocket is checked before it is accepted."""
        if self.environ.get('PATH_INFO') != PATH:
            super(WebSocketHandler, self).run_application()
            return
        try:
            topics = self._topics_if_allowed()
        except HttpError as error:
            self._refuse(error)
            return
        if self.upgrade_websocket() is not None:
            self._refuse(HttpError(400, 'the handshake of the WebSocket is malformed'))
            return
        self.write(b'')
        self._talk(topics)

    def log_request(self) -> None:
        """Write no log of requests: the token of `?token=` would be in it."""

    def _topics_if_allowed(self) -> list[str]:
        """Return the topics that are asked for. Raises HttpError for who may not come in."""
        environ = self.environ
        self.server.guard.check_socket(environ)
        if environ['REQUEST_METHOD'] != 'GET':
            raise HttpError(405, 'use GET')
        upgrades = environ.get('HTTP_UPGRADE', '').lower() == 'websocket'
        if not upgrades or 'upgrade' not in environ.get('HTTP_CONNECTION', '').lower():
            raise HttpError(426, 'this is a WebSocket')
        if environ.get('HTTP_SEC_WEBSOCKET_VERSION') != '13':
            raise HttpError(426, 'use version 13 of the protocol')
        if self.request_version != 'HTTP/1.1':
            raise HttpError(400, 'use HTTP/1.1')
        hub = self.server.hub
        topics = list(dict.fromkeys(Request(environ).many('topics')))
        if not topics or not set(topics) <= set(hub.topics):
            raise HttpError(400, f'topics may be {", ".join(hub.topics)}')
        if hub.full:
            raise HttpError(503, 'too many pages are open')
        return topics

    def _refuse(self, error: HttpError) -> None:
        headers, body = json_answer(error)
        if error.status == 426:
            headers = [*headers, ('Upgrade', 'websocket'), ('Sec-WebSocket-Version', '13')]
        self.environ.pop('wsgi.websocket', None)
        self.status = None
        self.close_connection = True
        self.start_response(status_line(error.status), with_safe_headers(headers))
        self.result = [body]
        self.process_result()

    def _talk(self, topics: list[str]) -> None:
        """Talk to a browser until either side leaves. This greenlet listens, another one writes."""
        connection = self.socket
        connection.settimeout(None)  # silence is fine: pings find out who is gone
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        hub = self.server.hub
        client = Client(topics, connection.sendall, hub.resync)
        writer = None
        try:
            hub.join(client)
            writer = self.server.greenlets.spawn('ui-socket', self._write_frames, client)
            listen(client, self.rfile.read)
            writer.join(_CLOSE_SECONDS)
        finally:
            hub.leave(client)
            if writer is not None:
                writer.kill()

    def _write_frames(self, client: Client) -> None:
        try:
            client.write()
        except OSError:
            return  # TimeoutError too: who is not there needs no message
        finally:
            # Wakes the listener, which may wait for a browser that will never speak again.
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)
