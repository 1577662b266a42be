"""The WebSocket: one for each browser, with bounded queues."""
