"""The contract of a source, and the declaration that makes a source type known."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from marshmallow import Schema

from drakkar.models.delivery import DeadLetter
from drakkar.models.message import SourceMessage, TopicPartition

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(slots=True)
class SourceEvents:
    """What a source tells its owner, always from within `poll` or `close`.

    They return at once: the listener only takes note. `revoked` asks for a drain
    that ends with `Source.release`; `lost` means another owner has them already.
    """

    assigned: Callable[[Sequence[TopicPartition]], None]
    revoked: Callable[[Sequence[TopicPartition]], None]
    lost: Callable[[Sequence[TopicPartition]], None]


class Source(abc.ABC):
    """Hands over messages of the partitions that this worker owns in its group.

    Methods are called by two greenlets (poll loop and committer), so they may
    overlap at their waits; each call is complete in itself.
    """

    @abc.abstractmethod
    def start(self, events: SourceEvents) -> None:
        """Connect and join the group. Raises ConnectError."""

    @abc.abstractmethod
    def poll(self, max_messages: int, timeout: float) -> list[SourceMessage]:
        """Return up to `max_messages`, waiting up to `timeout` seconds for the first.

        Per partition in offset order, without gaps of its own making. Also keeps
        membership alive: it is called at least every second, paused or not.
        While paused it returns nothing. Raises SourceError when the source is
        away; calling again is how it comes back.
        """

    @abc.abstractmethod
    def pause(self) -> None:
        """Stop returning messages, of partitions gained later too."""

    @abc.abstractmethod
    def resume(self) -> None:
        """Return messages again."""

    @abc.abstractmethod
    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Store the next offset to consume per partition, durably.

        Raises SourceError to be tried again, PartitionLostError for partitions
        that this worker owns no more (nothing of these was stored).
        """

    @abc.abstractmethod
    def release(self, partitions: Sequence[TopicPartition]) -> None:
        """Give up revoked partitions: their drain has ended, committed or not.

        One that was assigned anew since it was revoked is left alone: the owner may
        not have heard of it yet.
        """

    @abc.abstractmethod
    def positions(self) -> Mapping[TopicPartition, tuple[int | None, int | None]]:
        """Per assigned partition (committed, high watermark) as last known; never waits."""

    def problem(self) -> str:
        """Return why nothing can be read or committed now, empty when all is well; never waits."""
        return ''

    @abc.abstractmethod
    def close(self) -> None:
        """Leave the group and release everything. Idempotent."""


class DeadLetterQueue(abc.ABC):
    """Where messages go that can not be processed or delivered."""

    def connect(self) -> None:  # noqa: B027 - optional on purpose
        """Make sure that it can be written. Raises DeadLetterError."""

    @abc.abstractmethod
    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Store all letters durably. Raises DeadLetterError; then none may be assumed stored."""

    def close(self) -> None:  # noqa: B027 - optional on purpose
        """Release everything."""


class StoredLetter(NamedTuple):
    """What one place of a dead letter queue holds: an envelope's bytes, or anything else.

    `stream` is a file, or `topic:partition`; `number` the line (from 1) or the
    offset in it. Neither ever changes.
    """

    stream: str
    number: int
    data: bytes | None

    @property
    def id(self) -> str:
        """`stream:number`, the name by which people know a letter."""
        return f'{self.stream}:{self.number}'


class StreamEnd(NamedTuple):
    """Where a stream ended at some moment: `number` is the first that was not there.

    `generation` differs where a stream of the same name was made anew, so that
    its numbers mean something else now; empty where that can not be told.
    """

    number: int
    generation: str = ''


class DeadLetterReader(abc.ABC):
    """Reads a dead letter queue, while workers write it; a context manager as `Producer` is."""

    @abc.abstractmethod
    def connect(self) -> None:
        """Make ready to read. Raises ConnectError."""

    @abc.abstractmethod
    def ends(self) -> Mapping[str, StreamEnd]:
        """Return where each stream ends now. Raises SourceError."""

    @abc.abstractmethod
    def read(self, ends: Mapping[str, StreamEnd]) -> Iterator[StoredLetter]:
        """Yield all that lies before `ends`, each stream in order. Raises SourceError.

        What is no letter (a torn line, something foreign) is yielded as it is.
        """

    @abc.abstractmethod
    def fetch(self, stream: str, number: int) -> StoredLetter | None:
        """Return what is stored at one place, None where nothing is. Raises SourceError."""

    @abc.abstractmethod
    def close(self) -> None:
        """Release everything. Idempotent."""

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


@dataclass(slots=True)
class ProducerRecord:
    """A message to be written. Without `partition` the key decides, without a key any will do.

    `timestamp` is in seconds since the epoch, None for now.
    """

    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int | None = None
    timestamp: float | None = None


class Producer(abc.ABC):
    """Writes messages into what a source reads; a context manager that connects and closes."""

    @abc.abstractmethod
    def connect(self) -> None:
        """Make ready to append. Raises ConnectError, and SourceError where there is no topic."""

    @abc.abstractmethod
    def append_many(self, records: Iterable[ProducerRecord]) -> list[tuple[TopicPartition, int]]:
        """Write records, durable on return; return partition and offset of each.

        Raises SourceError, and TypeError or ValueError for what can not be written.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Release everything. Idempotent."""

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class BuildProducer(Protocol):
    """Makes a producer into `topic`, into the configured one where it is empty."""

    def __call__(self, config: Any, client_id: str, /, topic: str = '') -> Producer: ...


@dataclass(frozen=True)
class SourceSpec:
    """All that the framework knows of a source type.

    `name` is the value of `[drakkar] source` and the name of its section, whose
    schema is `options`; `group_option` is the key of the consumer group in it.
    `build(config, worker_id)` makes the source;
    `build_dead_letters(config, worker_id)` its dead letter queue, and
    `build_dead_letter_reader(config, client_id)` what reads that; both are None for
    JSON lines in `dlq.path`. `build_producer(config, client_id, topic)` makes what
    `drakkar produce` and `dlq replay` write with, or is None where they can not.
    `reads(config, topic)` says whether the configuration consumes a topic; None:
    every one.
    """

    name: str
    build: Callable[[Any, str], Source]
    options: type[Schema]
    label: str = ''
    group_option: str = 'group'
    build_dead_letters: Callable[[Any, str], DeadLetterQueue] | None = None
    build_dead_letter_reader: Callable[[Any, str], DeadLetterReader] | None = None
    build_producer: BuildProducer | None = None
    reads: Callable[[Any, str], bool] | None = None

    def group(self, config: Any) -> str:
        """Return the consumer group that a configuration names, empty where there is none."""
        return getattr(getattr(config, self.name, None), self.group_option, '')
