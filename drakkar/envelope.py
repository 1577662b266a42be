"""The JSON form of a dead letter: written losslessly, read back for replay.

Keys, header values and message values are bytes or null. Null stays null, UTF-8
becomes a string, anything else `{"base64": "..."}`.
"""

from __future__ import annotations

import base64
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from drakkar import jsonio
from drakkar.models.delivery import DeadLetter, SinkRef
from drakkar.models.message import SourceMessage
from drakkar.models.payload import Payload

VERSION = 1
# Of a payload that has no JSON form, this much of its repr is kept.
MAX_REPR = 2000
# What reading relies on: a file may hold JSON of others.
_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    'timestamp': (int, float),
    'worker': str,
    'stage': str,
    'error': str,
    'attempts': int,
    'task_id': str,
    'labels': dict,
    'payloads': list,
    'traceback': str,
}
_MESSAGE_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    'topic': str,
    'partition': int,
    'offset': int,
    'timestamp': (int, float),
    'headers': list,
}


@dataclass(slots=True)
class Envelope:
    """A dead letter as it is read back; `payloads` are what `Payload.describe` gave."""

    message: SourceMessage
    stage: str
    error: str
    traceback: str = ''
    payloads: list[dict[str, Any]] = field(default_factory=list)
    sink: SinkRef | None = None
    task_id: str = ''
    labels: dict[str, str] = field(default_factory=dict)
    attempts: int = 1
    worker: str = ''
    time: float = 0.0


def encode(letter: DeadLetter) -> bytes:
    """Return `letter` as one line of JSON, without the newline. Never raises.

    What has no JSON form in payloads or texts is replaced by a description: a
    letter that can not be written would stall its partition for ever. The
    message itself is always whole.
    """
    envelope = _fields(letter)
    try:
        envelope['payloads'] = [payload.describe() for payload in letter.payloads]
        return jsonio.dumps_bytes(envelope)
    except Exception:
        envelope['payloads'] = [_described(payload) for payload in letter.payloads]
        return jsonio.dumps_bytes(_tolerant(envelope))


def parse(line: bytes | str) -> Envelope:
    """Read one envelope. Raises ValueError for anything else, a torn line among them."""
    data = jsonio.loads(line)
    try:
        if data['version'] != VERSION:
            raise ValueError(f'envelope version {data["version"]!r} is not known')
        _check(data, _FIELDS)
        _check(data['message'], _MESSAGE_FIELDS)
        sink = data['sink']
        return Envelope(
            message=_read_message(data['message']),
            stage=data['stage'],
            error=data['error'],
            traceback=data['traceback'],
            payloads=data['payloads'],
            sink=None if sink is None else SinkRef(sink['type'], sink['name']),
            task_id=data['task_id'],
            labels=data['labels'],
            attempts=data['attempts'],
            worker=data['worker'],
            time=data['timestamp'],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f'not a dead letter: {error!r}') from error


def _fields(letter: DeadLetter) -> dict[str, Any]:
    message, sink = letter.message, letter.sink
    return {
        'version': VERSION,
        'time': _iso(letter.time),
        'timestamp': letter.time,
        'worker': letter.worker,
        'stage': letter.stage,
        'error': letter.error,
        'attempts': letter.attempts,
        'sink': None if sink is None else {'type': sink.type, 'name': sink.name},
        'task_id': letter.task_id,
        'labels': dict(letter.labels),
        'message': {
            'topic': message.topic,
            'partition': message.partition,
            'offset': message.offset,
            'timestamp': message.timestamp,
            'key': pack(message.key),
            'headers': [[name, pack(value)] for name, value in message.headers],
            'value': pack(message.value),
        },
        'payloads': [],
        'traceback': letter.traceback,
    }


def _check(data: Mapping[str, Any], types: Mapping[str, type | tuple[type, ...]]) -> None:
    for name, kind in types.items():
        if not isinstance(data[name], kind):
            raise ValueError(f'not a dead letter: {name} is {type(data[name]).__name__}')


def _read_message(data: Mapping[str, Any]) -> SourceMessage:
    return SourceMessage(
        topic=data['topic'],
        partition=data['partition'],
        offset=data['offset'],
        value=unpack(data['value']),
        key=unpack(data['key']),
        timestamp=data['timestamp'],
        headers=[(name, unpack(value)) for name, value in data['headers']],  # type: ignore[misc]
    )


def pack(value: bytes | None) -> str | dict[str, str] | None:
    """Return bytes in a form JSON can hold."""
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {'base64': base64.b64encode(value).decode()}


def unpack(value: str | Mapping[str, str] | None) -> bytes | None:
    """Return the bytes that `pack` was given. Raises ValueError for other input."""
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode()
    return base64.b64decode(value['base64'], validate=True)


def _iso(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()


def _described(payload: Payload) -> dict[str, Any]:
    try:
        fields = payload.describe()
        return fields if isinstance(fields, dict) else {'described': fields}
    except Exception:
        text = _safe_repr(getattr(payload, 'data', payload))
        return {'sink_type': payload.sink_type, 'sink': payload.sink, 'data': {'repr': text}}


def _tolerant(value: Any, depth: int = 0) -> Any:
    """Return `value` with all that JSON can not hold replaced."""
    if isinstance(value, str):
        return value.encode('utf-8', 'backslashreplace').decode()
    if isinstance(value, (bytes, bytearray)):
        return pack(bytes(value))
    if depth < 20 and isinstance(value, Mapping):
        return {_tolerant_key(k): _tolerant(v, depth + 1) for k, v in value.items()}
    if depth < 20 and isinstance(value, Sequence):
        return [_tolerant(item, depth + 1) for item in value]
    try:
        jsonio.dumps_bytes(value)
    except Exception:
        return {'repr': _safe_repr(value)}
    return value


def _tolerant_key(key: Any) -> str:
    return str(_tolerant(key if isinstance(key, str) else _safe_repr(key)))


def _safe_repr(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:
        text = f'<{type(value).__name__} without a repr>'
    return text[:MAX_REPR].encode('utf-8', 'backslashreplace').decode()
