"""WebSocket topics, one module each: `def topic(context) -> Topic | None`."""
