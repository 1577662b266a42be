"""What the server's replies, and the lack of one, say about a payload."""

from __future__ import annotations

from redis import exceptions

import drakkar.api as dk

# Codes (the first word of an error reply) of a server that may say yes a moment later: its
# memory is full, it is a replica, loads, runs a script, can not save, or misses its peers.
TRANSIENT_CODES = frozenset(
    {
        'OOM',
        'READONLY',
        'LOADING',
        'BUSY',
        'MISCONF',
        'NOREPLICAS',
        'MASTERDOWN',
        'CLUSTERDOWN',
        'TRYAGAIN',
    }
)

# Replies that end a connection, given to commands that were not run.
NOT_RUN = (exceptions.BusyLoadingError, exceptions.AuthenticationError)


def judged(reply: exceptions.ResponseError) -> dk.SinkError:
    """Return what an error reply to a payload's first command means: nothing was written."""
    transient = _code(reply) in TRANSIENT_CODES
    return dk.NotWrittenError(text(reply)) if transient else dk.RefusedError(text(reply))


def text(reply: exceptions.RedisError) -> str:
    """Return an error reply as the server gave it: redis-py takes the code off some."""
    code = reply.status_code
    return f'{code} {reply}' if code else str(reply)


def _code(reply: exceptions.ResponseError) -> str:
    return reply.status_code or str(reply).partition(' ')[0]
