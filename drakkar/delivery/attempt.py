"""The one decision on a failed delivery: what its error means, and what happens next."""

from __future__ import annotations

import enum
import random
from collections.abc import Callable, Iterator, Sequence

import gevent
from gevent.lock import BoundedSemaphore

from drakkar.contracts.sink import Sink
from drakkar.errors import (
    NotWrittenError,
    PartialDeliveryError,
    RefusedError,
    TransientSinkError,
)
from drakkar.models.actions import Action
from drakkar.models.delivery import DeliveryFailure
from drakkar.models.payload import Payload

# Waits before the retries inside one attempt, in seconds; a jitter of up to half is added.
QUICK_RETRIES = (0.05, 0.1, 0.2)

Failures = dict[int, BaseException]


class Verdict(enum.Enum):
    """What an exception of `deliver` says."""

    TRANSIENT = 'transient'  # the sink was not reached; it may be a moment later
    REFUSED = 'refused'  # the sink said no and will say so again
    FAILED = 'failed'  # anything else: nobody knows what was written


def judge(error: BaseException, sink: Sink) -> Verdict:
    """Return what `error` says, by its class and never by its text."""
    if isinstance(error, RefusedError):
        return Verdict.REFUSED
    if isinstance(error, (TransientSinkError, *sink.transient_errors)):
        return Verdict.TRANSIENT
    return Verdict.FAILED


def is_repeatable(error: BaseException, sink: Sink) -> bool:
    """Return whether payloads that failed with `error` may be sent again without being asked for.

    They may in an idempotent sink that was not reached, and in any that has nothing of them.
    """
    if isinstance(error, NotWrittenError):
        return True
    return sink.idempotent and judge(error, sink) is Verdict.TRANSIENT


def decide(
    failure: DeliveryFailure, ask: Callable[[DeliveryFailure], Action], max_retries: int
) -> Action:
    """Return the action for payloads whose attempt failed: the handler's, within its bounds."""
    action = ask(failure)
    if action is Action.RETRY and failure.attempt > max_retries:
        return Action.DLQ
    return action


class Attempt:
    """Delivers one batch to one sink as well as a moment allows.

    A sink that was not reached is tried again three times if it is idempotent or
    has nothing of the batch; a batch that was refused is bisected until only the
    guilty payloads remain; of a batch that was written in part only the failed
    payloads count. Never two `deliver` at once, whoever calls.
    """

    def __init__(self, sink: Sink, timeout: float, retried: Callable[[int], None]) -> None:
        self._sink = sink
        self._timeout = timeout
        self._retried = retried
        self._lock = BoundedSemaphore(1)

    def run(self, payloads: Sequence[Payload], number: int) -> Failures:
        """Return the failed payloads' indexes with their exceptions; empty when all is safe.

        `number` is the attempt's, for whom `retried` tells of quick retries.
        """
        error = self._deliver(payloads)
        if error is None:
            return {}
        return self._recover(payloads, error, number)

    def _recover(self, payloads: Sequence[Payload], error: BaseException, number: int) -> Failures:
        failures: Failures = {}
        delays = iter(QUICK_RETRIES)
        work: list[tuple[list[int], BaseException | None]] = [(list(range(len(payloads))), error)]
        while work:
            indexes, told = work.pop()
            if told is None:
                told = self._deliver([payloads[i] for i in indexes])
            if told is None:
                continue
            if isinstance(told, PartialDeliveryError):
                indexes, told = self._partly(indexes, told, failures)
                if not indexes:
                    continue
            verdict = judge(told, self._sink)
            if verdict is Verdict.REFUSED and len(indexes) > 1:
                middle = len(indexes) // 2
                work += [(indexes[middle:], None), (indexes[:middle], None)]
            elif is_repeatable(told, self._sink) and self._again(delays, number):
                work.append((indexes, None))
            else:
                failures.update(dict.fromkeys(indexes, told))
                if verdict is Verdict.TRANSIENT:  # it is away: the rest would only wait for it
                    for rest, _ in work:
                        failures.update(dict.fromkeys(rest, told))
                    break
        return failures

    def _partly(
        self, indexes: list[int], error: PartialDeliveryError, failures: Failures
    ) -> tuple[list[int], BaseException]:
        """Enter what failed for good; return what is worth a quick retry, with its error."""
        if not error.failures.keys() <= set(range(len(indexes))):
            # A sink that counts wrong: trusting it could lose payloads.
            failures.update(dict.fromkeys(indexes, error))
            return [], error
        again: list[int] = []
        reason: BaseException = error
        for position, cause in sorted(error.failures.items()):
            if is_repeatable(cause, self._sink):
                again.append(indexes[position])
                # One error for all of them: the weakest claim, that none may be written.
                if reason is error or isinstance(reason, NotWrittenError):
                    reason = cause
            else:
                failures[indexes[position]] = cause
        return again, reason

    def _again(self, delays: Iterator[float], number: int) -> bool:
        delay = next(delays, None)
        if delay is None:
            return False
        gevent.sleep(delay * random.uniform(1.0, 1.5))
        self._retried(number)
        return True

    def _deliver(self, payloads: Sequence[Payload]) -> BaseException | None:
        """Call `deliver` once; return what it raised."""
        with self._lock:
            timeout = gevent.Timeout.start_new(self._timeout or None)
            try:
                self._sink.deliver(payloads)
            except Exception as error:
                return error
            except gevent.Timeout as error:
                # One that the sink set for itself and let escape means the same.
                seconds = self._timeout if error is timeout else error.seconds
                return TransientSinkError(f'no answer within {seconds} seconds')
            finally:
                timeout.close()
        return None
