"""The flight recorder: what happened to every message, in SQLite files that any tool reads."""
