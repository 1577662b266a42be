"""What happens to payloads after a failed attempt: ask, back off, try again, or give up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import gevent
import structlog

from drakkar.backoff import delay_seconds
from drakkar.contracts.observer import Observer
from drakkar.delivery.attempt import Verdict, decide, judge
from drakkar.delivery.dlq import DeadLetters
from drakkar.delivery.instance import Instance, describe
from drakkar.delivery.parcel import Parcel, alive, flatten, provenances_of, settle_delivered
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
            failures = self._instance.attempt(payloads, provenances_of(again), attempt)
            failed = settle_delivered(again, failures)
            answered = self._instance.answered(payloads, failures)

    def give_up(self, parcels: Sequence[Parcel], attempts: int) -> None:
        """Send parcels to the dead letter queue."""
        self._dead_letters.add_parcels(parcels, self._instance, attempts)

    def _decide(self, failed: Sequence[Parcel], answered: bool, attempt: int) -> list[Parcel]:
        """Act on each failure; return the parcels to try again."""
        if not failed:
            return []
        by_action: dict[Action, list[Parcel]] = {action: [] for action in Action}
        for parcel in failed:
            by_action[self._action(parcel, attempt)].append(parcel)
        self._log(failed, by_action, attempt)
        for parcel in by_action[Action.SKIP]:
            self._observer.sink_skipped(self._instance.ref, parcel.payloads)
            parcel.ticket.settle(len(parcel.payloads))
        self.give_up(by_action[Action.DLQ], attempt)
        again = by_action[Action.RETRY]
        if not answered:
            self._instance.failed(_error_of(failed[0]), terminal=len(again) < len(failed))
        return again

    def _action(self, parcel: Parcel, attempt: int) -> Action:
        instance = self._instance
        error = _error_of(parcel)
        refused = judge(error, instance.sink) is Verdict.REFUSED
        failure = DeliveryFailure(instance.ref, parcel.payloads, error, attempt, refused)
        action = decide(failure, self._ask, self._settings.max_retries)
        self._observer.sink_error(failure, action, parcel.ticket.provenance)
        return action

    def _log(
        self,
        failed: Sequence[Parcel],
        by_action: Mapping[Action, Sequence[Parcel]],
        attempt: int,
    ) -> None:
        """One line for a batch, however many messages are in it."""
        log.warning(
            'delivery_failed',
            sink=str(self._instance.ref),
            attempt=attempt,
            error=describe(_error_of(failed[0])),
            **{
                action.value: sum(len(parcel.payloads) for parcel in parcels)
                for action, parcels in by_action.items()
                if parcels
            },
        )

    def _back_off(self, attempt: int, parcels: Sequence[Parcel]) -> None:
        """Wait as long as anybody is still interested."""
        settings = self._settings
        left = delay_seconds(
            attempt, settings.retry_backoff_seconds, settings.retry_backoff_max_seconds
        )
        while left > 0 and alive(parcels):
            gevent.sleep(min(left, SLICE_SECONDS))
            left -= SLICE_SECONDS


def _error_of(parcel: Parcel) -> BaseException:
    assert parcel.error is not None
    return parcel.error
