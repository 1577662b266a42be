"""The commands of one delivery, and what is known about each payload at any moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from redis.exceptions import ResponseError

import drakkar.api as dk
from drakkar_sink_redis.commands import REPEATABLE, Command, commands
from drakkar_sink_redis.payload import RedisPayload
from drakkar_sink_redis.replies import NOT_RUN, judged, text


class Entry(NamedTuple):
    """One payload: its position in the delivery, and where its commands are in the batch."""

    position: int
    start: int
    end: int
    repeatable: bool


class Batch:
    """Takes the replies in order, as far as they come, and names the failures after that.

    A payload whose reply never came may have been written. Only what may be
    repeated is said to be transient then: the others are not tried again
    unless the handler says so.
    """

    def __init__(self, payloads: Sequence[RedisPayload], prefix: str, default_ttl: float) -> None:
        self.commands: list[Command] = []
        self.replies: list[ResponseError | None] = []
        self._entries: list[Entry] = []
        self._failures: dict[int, BaseException] = {}
        for position, payload in enumerate(payloads):
            try:
                written = commands(payload, prefix, default_ttl)
            except dk.RefusedError as error:
                self._failures[position] = error
            except Exception as error:  # a schema's dump may raise anything
                self._failures[position] = dk.RefusedError(f'no form in Redis: {error}')
            else:
                start = len(self.commands)
                self.commands += written
                end = len(self.commands)
                self._entries.append(Entry(position, start, end, payload.operation in REPEATABLE))

    def failures(self, lost: BaseException | None = None) -> dict[int, BaseException]:
        """Return the failures by position; `lost` is why there are no more replies."""
        failures = dict(self._failures)
        if lost is None and not any(self.replies):
            return failures
        errors = _Errors(lost)
        for entry in self._entries:
            error = errors.of(entry, self.replies[entry.start : entry.end])
            if error is not None:
                failures[entry.position] = error
        return failures


class _Errors:
    """One exception for each reason: delivery groups what failed by it."""

    def __init__(self, lost: BaseException | None) -> None:
        self._by_text: dict[str, dk.SinkError] = {}
        reason = f'{type(lost).__name__}: {lost}'
        self._repeatable: dk.SinkError = dk.TransientSinkError(reason)
        self._once = dk.SinkError(f'{reason}; nobody knows whether it was written')
        if isinstance(lost, NOT_RUN):
            self._repeatable = self._once = dk.NotWrittenError(reason)

    def of(self, entry: Entry, replies: Sequence[ResponseError | None]) -> dk.SinkError | None:
        """Return why a payload failed, with those replies to its commands."""
        if not replies:
            return self._repeatable if entry.repeatable else self._once
        first, *rest = replies
        if first is not None:
            return self._told(text(first), judged(first))
        error = next(_present(rest), None)
        if error is None:
            all_there = len(replies) == entry.end - entry.start
            return None if all_there or not entry.repeatable else self._repeatable
        if entry.repeatable:
            return self._told(text(error), judged(error))
        # It is written, so it must not be tried again; but somebody should know.
        reason = f'written, but not trimmed: {text(error)}'
        return self._told(reason, dk.RefusedError(reason))

    def _told(self, reason: str, error: dk.SinkError) -> dk.SinkError:
        return self._by_text.setdefault(reason, error)


def _present(replies: Sequence[ResponseError | None]) -> Iterator[ResponseError]:
    return (reply for reply in replies if reply is not None)
