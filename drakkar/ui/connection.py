"""Connections of the UI: within the limits of every server of a worker."""

from __future__ import annotations

from geventwebsocket.handler import WebSocketHandler

from drakkar.bounded import BoundedConnection


class BoundedHandler(BoundedConnection, WebSocketHandler):
    """A WebSocketHandler only for the handshake that it knows."""
