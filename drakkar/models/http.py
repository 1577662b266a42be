"""One HTTP request on its way through the pipeline, and how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from drakkar.models.group import MessageGroup
from drakkar.models.message import SourceMessage

# The place of a request among messages: no source has such a partition.
HTTP_ORIGIN = 'http'
HTTP_PARTITION = -1

OK = 'ok'
ERROR = 'error'
TIMEOUT = 'timeout'
DISCONNECTED = 'disconnected'


class HttpHeaders(Mapping[str, str]):
    """The headers of a request; names are found in any case, and listed in lower case."""

    __slots__ = ('_values',)

    def __init__(self, values: Iterable[tuple[str, str]] = ()) -> None:
        self._values = {name.lower(): value for name, value in values}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f'{type(self).__name__}({sorted(self._values)})'  # not what may be a token


@dataclass(slots=True, eq=False)
class HttpRequest:
    """An accepted request. `number` counts those of this worker.

    `payload` is the body as `http_request_schema` loaded it, `received_at` in seconds
    since the epoch, `remote` the client's address.
    """

    number: int
    client_name: str
    body: bytes
    payload: Any = None
    headers: HttpHeaders = field(default_factory=HttpHeaders)
    remote: str = ''
    received_at: float = 0.0
    request_id: str = ''
    label: str = ''

    def as_message(self) -> SourceMessage:
        """Return it in the form in which the pipeline, and a dead letter, knows it."""
        return SourceMessage(
            HTTP_ORIGIN,
            HTTP_PARTITION,
            self.number,
            self.body,
            key=self.request_id.encode(),
            timestamp=self.received_at,
            headers=(('drakkar-client', self.client_name.encode()),),
            payload=self.payload,
        )


@dataclass(slots=True, eq=False)
class HttpAnswer:
    """What was answered: `code` is 0 where the client was gone, `duration` in seconds."""

    status: str
    code: int
    body: bytes
    duration: float


class Stage(NamedTuple):
    """One step of a request, in seconds."""

    name: str
    duration: float


@dataclass(slots=True)
class TaskEnd:
    """How a task of a request stands: `exit_code` is None while it has not ended."""

    exit_code: int | None = None
    duration: float = 0.0
    retries: int = 0


@dataclass(slots=True)
class SinkTally:
    """What became of a request's payloads, counted by sink type.

    `errors` counts payloads in deliveries that failed, whatever was decided then.
    """

    attempted: Counter[str] = field(default_factory=Counter)
    delivered: Counter[str] = field(default_factory=Counter)
    dead_lettered: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True, eq=False)
class HttpOutcome:
    """How a request ended: `status` is ok, error, timeout or disconnected.

    `result` is what the handler made of it, as JSON; `error` a line for the client.
    `group` is None where `arrange_http_request` did not return. `sinks` is None where
    sinks are not enabled.
    """

    status: str
    error: str = ''
    result: bytes = b'null'
    group: MessageGroup | None = None
    ends: dict[str, TaskEnd] = field(default_factory=dict)
    timeline: list[Stage] = field(default_factory=list)
    cache_hits: int = 0
    cache_misses: int = 0
    sinks: SinkTally | None = None
    finished_at: float = 0.0
