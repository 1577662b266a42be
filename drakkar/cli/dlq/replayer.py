"""Replays the messages behind letters, in batches that a crash repeats at most once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import gevent

from drakkar.cli.dlq.bookmark import Bookmark, Done, Place
from drakkar.cli.dlq.letters import Letter
from drakkar.cli.dlq.records import record_of, replays_of
from drakkar.cli.dlq.tally import Tally
from drakkar.cli.interrupts import held
from drakkar.contracts.source import ProducerRecord

BATCH = 200
# A batch is in memory as a whole.
BATCH_BYTES = 8 << 20
# With a rate, so many batches a second at most.
_BATCHES_PER_SECOND = 10


class Write(Protocol):
    """Writes records into a topic, durable on return.

    Raises SourceError, and TypeError or ValueError for what can not be written.
    """

    def __call__(self, topic: str, records: list[ProducerRecord]) -> None: ...


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be replayed, where to, and how.

    `to` replaces the original topic; without it only topics that `reads` knows are
    written to. `limit` is in messages, `rate` in messages a second, None for none.
    """

    reads: Callable[[str], bool]
    to: str = ''
    max_replays: int = 3
    limit: int | None = None
    rate: float | None = None
    repartition: bool = False
    keep_timestamps: bool = False

    @property
    def batch(self) -> int:
        if self.rate is None:
            return BATCH
        return min(BATCH, max(1, int(self.rate / _BATCHES_PER_SECOND)))


@dataclass(slots=True)
class Replayer:
    """One run: takes letters, writes their messages, keeps the bookmark.

    `replayed` is told of each batch when it is safe: its topic, and a letter for each message.
    """

    rules: Rules
    bookmark: Bookmark
    write: Write
    tally: Tally
    replayed: Callable[[str, Sequence[Letter]], None] = lambda *_: None
    started: float = field(default_factory=time.monotonic)

    def run(self, letters: Iterable[Letter]) -> None:
        """Replay the messages of `letters` until there are none or the limit is reached."""
        for batch in self._batches(letters):
            for topic, group in self._by_target(self._fresh(batch)).items():
                self._replay(topic, group)
            if self._remaining() == 0:
                return

    def _batches(self, letters: Iterable[Letter]) -> Iterator[list[tuple[Place, Letter]]]:
        batch: list[tuple[Place, Letter]] = []
        size = 0
        for letter in letters:
            place = self._place(letter)
            if place is None:
                continue
            batch.append((place, letter))
            size += len(letter.stored.data or b'')
            if len(batch) >= self.rules.batch or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _place(self, letter: Letter) -> Place | None:
        """Return the message and its target, None where there is no such."""
        message = letter.envelope.message
        if not message.topic:
            self.tally.no_message += 1
            return None
        if not (self.rules.to or self.rules.reads(message.topic)):
            self.tally.other_topics[message.topic] += 1
            return None
        target = self.rules.to or message.topic
        return Place(target, message.topic, message.partition, message.offset)

    def _fresh(self, batch: list[tuple[Place, Letter]]) -> dict[Place, Letter]:
        """Return a letter for each message that is still to be replayed, within the limit."""
        fresh: dict[Place, Letter] = {}
        found = self.bookmark.look_up([(place, letter.stored) for place, letter in batch])
        remaining = self._remaining()
        for (place, letter), done in zip(batch, found, strict=True):
            if place in fresh or done is Done.NOW:
                self.tally.same_message += 1
            elif done is Done.BEFORE:
                self.tally.replayed_before += 1
            elif self._may_replay(place, letter):
                if remaining is not None and len(fresh) == remaining:
                    break
                fresh[place] = letter
        return fresh

    def _may_replay(self, place: Place, letter: Letter) -> bool:
        count = replays_of(letter.envelope.message)
        if count < self.rules.max_replays:
            return True
        self.tally.leave(place, letter.id, f'it was replayed {count} times already (--max-replays)')
        return False

    def _replay(self, topic: str, group: dict[Place, Letter]) -> None:
        self._pace()
        records = {place: self._record(letter) for place, letter in group.items()}
        try:
            self.write(topic, list(records.values()))
            written = list(group)
        except (TypeError, ValueError):
            written = self._one_by_one(topic, group, records)
        if not written:
            return
        with held():  # what is remembered is told
            self.bookmark.add(written)
            self.tally.targets[topic] += len(written)
        self.replayed(topic, [group[place] for place in written])

    def _one_by_one(
        self, topic: str, group: dict[Place, Letter], records: dict[Place, ProducerRecord]
    ) -> list[Place]:
        """Write all that can be written; say which can not, and why."""
        written = []
        for place, record in records.items():
            try:
                self.write(topic, [record])
            except (TypeError, ValueError) as error:
                self.tally.leave(place, group[place].id, str(error))
            else:
                written.append(place)
        return written

    def _record(self, letter: Letter) -> ProducerRecord:
        return record_of(
            letter.envelope.message,
            repartition=self.rules.repartition,
            keep_timestamp=self.rules.keep_timestamps,
        )

    def _by_target(self, fresh: dict[Place, Letter]) -> dict[str, dict[Place, Letter]]:
        groups: dict[str, dict[Place, Letter]] = {}
        for place, letter in fresh.items():
            groups.setdefault(place.target, {})[place] = letter
        return groups

    def _remaining(self) -> int | None:
        limit = self.rules.limit
        return None if limit is None else limit - self.tally.replayed

    def _pace(self) -> None:
        if self.rules.rate is not None:
            due = self.started + self.tally.replayed / self.rules.rate
            gevent.sleep(max(0.0, due - time.monotonic()))
