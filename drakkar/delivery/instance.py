"""One sink instance as delivery sees it: attempts, breaker and figures in one place."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from drakkar.contracts.observer import Observer
from drakkar.contracts.sink import Sink
from drakkar.delivery.attempt import Attempt, Failures, Verdict, judge
from drakkar.delivery.breaker import Breaker
from drakkar.delivery.settings import DeliverySettings, InstanceSettings
from drakkar.models.delivery import Provenance, SinkRef
from drakkar.models.payload import Payload
from drakkar.models.snapshot import SinkSnapshot


class Instance:
    """Delivers batches to one sink and keeps account of how that went."""

    def __init__(
        self,
        ref: SinkRef,
        sink: Sink,
        settings: DeliverySettings,
        observer: Observer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ref = ref
        self.sink = sink
        self.settings = own = InstanceSettings.of(sink.options)
        self.breaker = Breaker(own.failure_threshold, own.cooldown_seconds)
        self.stats = SinkSnapshot(ref, ui_url=own.ui_url)
        self._attempt = Attempt(sink, settings.delivery_timeout_seconds, self._retry)
        self._observer = observer
        self._clock = clock

    def admits(self) -> bool:
        """Return whether the breaker lets a batch through; if not, it goes to the DLQ."""
        return self.breaker.admits(self._clock())

    def attempt(
        self, payloads: Sequence[Payload], provenances: Sequence[Provenance], number: int = 1
    ) -> Failures:
        """Make attempt `number` for a batch; return the failures by index.

        `provenances` are those of the payloads, one each. A retry is told to the observer
        here, so that quick ones and those after RETRY count alike.
        """
        if number > 1:
            self._retry(number)
        started = self._clock()
        failures = self._attempt.run(payloads, number)
        duration = self._clock() - started
        delivered = payloads
        if failures:
            delivered = [p for i, p in enumerate(payloads) if i not in failures]
            provenances = [p for i, p in enumerate(provenances) if i not in failures]
            self._note_failures(failures)
        if delivered:
            self._note_success(delivered, duration, provenances)
        if self.answered(payloads, failures) and self.breaker.succeeded():
            self._observer.circuit_closed(self.ref)
        return failures

    def answered(self, payloads: Sequence[Payload], failures: Failures) -> bool:
        """Return whether the sink took or refused at least one of `payloads`."""
        return len(failures) < len(payloads) or any(
            judge(error, self.sink) is Verdict.REFUSED for error in failures.values()
        )

    def failed(self, error: BaseException, terminal: bool) -> None:
        """Tell the breaker of an attempt in which the sink did not answer at all."""
        if self.breaker.failed(self._clock(), terminal):
            self._observer.circuit_opened(self.ref, describe(error))

    def _note_success(
        self, delivered: Sequence[Payload], duration: float, provenances: Sequence[Provenance]
    ) -> None:
        stats = self.stats
        stats.delivered += len(delivered)
        stats.last_delivery_at = time.time()
        stats.last_delivery_seconds = duration
        self._observer.sink_delivered(self.ref, delivered, duration, provenances)

    def _note_failures(self, failures: Failures) -> None:
        self.stats.errors += 1
        self.stats.last_error = describe(next(iter(failures.values())))
        self.stats.last_error_at = time.time()

    def _retry(self, number: int) -> None:
        self.stats.retries += 1
        self._observer.sink_retried(self.ref, number)


def describe(error: BaseException) -> str:
    """Return one short line for an error: its class and what it says."""
    text = ' '.join(str(error).split())
    name = type(error).__name__
    return f'{name}: {text[:500]}' if text else name
