"""What a payload means in Redis' own commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import drakkar.api as dk
from drakkar_sink_redis.payload import RedisPayload

Command = tuple[str | bytes | int, ...]

# Operations that may be repeated: the outcome is the same.
REPEATABLE = frozenset({'set', 'hash'})


def commands(payload: RedisPayload, prefix: str, default_ttl: float) -> list[Command]:
    """Return the commands that write `payload`; the first one writes its data.

    `default_ttl` is in seconds, 0 for none. Raises RefusedError for what Redis has
    no form for, and whatever the payload's schema raises.
    """
    key = (prefix + payload.key).encode()
    ttl = default_ttl if payload.ttl is None else payload.ttl
    return _BUILDERS[payload.operation](payload, key, round(ttl * 1000))


def _set(payload: RedisPayload, key: bytes, ttl_ms: int) -> list[Command]:
    value = payload.json_bytes()
    return [('SET', key, value, 'PX', ttl_ms) if ttl_ms else ('SET', key, value)]


def _hash(payload: RedisPayload, key: bytes, ttl_ms: int) -> list[Command]:
    written: list[Command] = [('HSET', key, *_fields(payload))]
    if ttl_ms:
        written.append(('PEXPIRE', key, ttl_ms))
    return written


def _push(payload: RedisPayload, key: bytes, _ttl_ms: int) -> list[Command]:
    written: list[Command] = [('LPUSH' if payload.left else 'RPUSH', key, payload.json_bytes())]
    length = _max_length(payload)
    if length is not None:
        written.append(('LTRIM', key, *((0, length - 1) if payload.left else (-length, -1))))
    return written


def _stream(payload: RedisPayload, key: bytes, _ttl_ms: int) -> list[Command]:
    length = _max_length(payload)
    limit = () if length is None else ('MAXLEN', '~', length)
    return [('XADD', key, *limit, '*', *_fields(payload))]


def _publish(payload: RedisPayload, key: bytes, _ttl_ms: int) -> list[Command]:
    return [('PUBLISH', key, payload.json_bytes())]


_BUILDERS: dict[str, Callable[[RedisPayload, bytes, int], list[Command]]] = {
    'set': _set,
    'hash': _hash,
    'push': _push,
    'stream': _stream,
    'publish': _publish,
}


def _max_length(payload: RedisPayload) -> int | None:
    length = payload.max_length
    if length is not None and length < 1:
        raise dk.RefusedError(f'max_length is {length}, it must be at least 1')
    return length


def _fields(payload: RedisPayload) -> list[str | bytes]:
    """Return names and values in turn: texts as they are, anything else as JSON."""
    data = payload.plain()
    if not isinstance(data, Mapping) or not data:
        raise dk.RefusedError(f'a {payload.operation} needs a mapping that is not empty')
    flat: list[str | bytes] = []
    for name, value in data.items():
        text = value if isinstance(value, (str, bytes)) else dk.Payload(value).json_bytes()
        flat += (str(name), text)
    return flat
