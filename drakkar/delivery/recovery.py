"""What happens to payloads after a failed attempt: ask, back off, try again, or give up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gevent
import structlog

from drakkar.backoff import delay_seconds
from drakkar.contracts.observer import Observer
from drakkar.delivery.attempt import Verdict, decide, judge
from drakkar.delivery.dlq import DeadLetters
from drakkar.delivery.instance import Instance, describe
from drakkar.delivery.parcel import Parcel, alive, flatten, settle_delivered
from drakkar.delivery.settings import DeliverySettings
from drakkar.models.actions import Action
from drakkar.models.delivery import DeliveryFailure

log = structlog.get_logger('drakkar.delivery')

# How long a backoff may go on after its scope was cancelled, in seconds.
SLICE_SECONDS = 0.5


class Recovery:
    """Takes the failed parcels of one instance's batches to their end.

    Each failed batch runs in a greenlet of its own, so that others pass while it
    backs off. There are never more of them than batches in flight, which
    backpressure bounds.
    """

    def __init__(
        self,
        instance: Instance,
        ask: Callable[[DeliveryFailure], Action],
        dead_letters: DeadLetters,
        settings: DeliverySettings,
        observer: Observer,
    ) -> None:
        self._instance = instance
        self._ask = ask
        self._dead_letters = dead_letters
        self._settings = settings
        self._observer = observer

    def run(self, failed: Sequence[Parcel], answered: bool) -> None:
        """Bring `failed` to an end; `answered` says whether the sink took or refused anything."""
        attempt = 1
        while failed:
            again = self._decide(alive(failed), answered, attempt)
            if not again:
                return
            self._back_off(attempt, again)
            again = alive(again)
            if not again:
                return
            if not self._instance.admits():
                self.give_up(again, attempt)
                return
            attempt += 1
            payloads = flatten(again)
            failures = self._instance.attempt(payloads, attempt)
            failed = settle_delivered(again, failures)
            answered = self._instance.answered(payloads, failures)

    def give_up(self, parcels: Sequence[Parcel], attempts: int) -> None:
        """Send parcels to the dead letter queue."""
        for parcel in parcels:
            self._dead_letters.add_parcel(parcel, self._instance, attempts)

    def _decide(self, failed: Sequence[Parcel], answered: bool, attempt: int) -> list[Parcel]:
        """Act on each failure; return the parcels to try again."""
        again: list[Parcel] = []
        for parcel in failed:
            action = self._act(parcel, attempt)
            if action is Action.RETRY:
                again.append(parcel)
        if failed and not answered:
            error = failed[0].error
            assert error is not None
            self._instance.failed(error, terminal=len(again) < len(failed))
        return again

    def _act(self, parcel: Parcel, attempt: int) -> Action:
        instance = self._instance
        error = parcel.error
        assert error is not None
        failure = DeliveryFailure(
            instance.ref, parcel.payloads, error, attempt, self._refused(parcel)
        )
        action = decide(failure, self._ask, self._settings.max_retries)
        log.warning(
            'delivery_failed',
            sink=str(instance.ref),
            payloads=len(parcel.payloads),
            attempt=attempt,
            action=action.value,
            error=describe(error),
        )
        self._observer.sink_error(failure, action)
        if action is Action.DLQ:
            self.give_up([parcel], attempt)
        elif action is Action.SKIP:
            self._observer.sink_skipped(instance.ref, parcel.payloads)
            parcel.ticket.settle(len(parcel.payloads))
        return action

    def _refused(self, parcel: Parcel) -> bool:
        assert parcel.error is not None
        return judge(parcel.error, self._instance.sink) is Verdict.REFUSED

    def _back_off(self, attempt: int, parcels: Sequence[Parcel]) -> None:
        """Wait as long as anybody is still interested."""
        settings = self._settings
        left = delay_seconds(
            attempt, settings.retry_backoff_seconds, settings.retry_backoff_max_seconds
        )
        while left > 0 and alive(parcels):
            gevent.sleep(min(left, SLICE_SECONDS))
            left -= SLICE_SECONDS
