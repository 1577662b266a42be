"""One probe: a pipeline of its own for one message, ended by its end, a limit or a wish."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from gevent.event import Event

from drakkar.contracts.executor import Executor
from drakkar.handler import Handler
from drakkar.models.delivery import SinkRef
from drakkar.models.message import SourceMessage
from drakkar.pipeline.parts import Parts
from drakkar.pipeline.processor import PartitionProcessor
from drakkar.worker.probe.ends import ProbeDelivery, ProbeExecutor
from drakkar.worker.probe.hooks import ProbeDecoder, ProbeHooks
from drakkar.worker.probe.journal import Journal

# Retries are shown, not waited for: somebody sits in front of it.
RETRY_SECONDS = 0.2
_KILLED_SECONDS = 5.0  # what was killed is gone within milliseconds


class Session:
    """Runs `message` through the real pipeline, whose ends and observer are the probe's.

    `status` is completed, timeout, cancelled or failed.
    """

    def __init__(
        self,
        probe_id: str,
        handler: Handler,
        config: Any,
        sinks: Iterable[SinkRef],
        origin: str,
        pool: Executor,
    ) -> None:
        self.journal = Journal()
        self.status = ''
        self._over = Event()
        self._executor = ProbeExecutor(pool, self.journal)
        hooks = ProbeHooks(handler, self.journal, probe_id)
        self._parts = Parts(
            hooks=hooks,
            decoder=ProbeDecoder(handler, self.journal, hooks, probe_id),
            executor=self._executor,
            delivery=ProbeDelivery(sinks, self.journal),
            observer=self.journal,
            options=_impatient(config.executor),
            on_parse_error=config.source.on_parse_error,
            origin=origin,
            committable=lambda *_: None,
            finished=lambda _: self._end('completed'),
            failed=self._died,
        )

    def run(self, message: SourceMessage, limit: float) -> None:
        """Return when all is done, or killed because it took longer than `limit` seconds."""
        processor = PartitionProcessor(message.topic_partition, self._parts)
        try:
            processor.offer([message])
            if not self._over.wait(limit):
                self._end('timeout')
        finally:
            self._end('cancelled')  # only where the caller itself was killed meanwhile
            processor.cancel()
            self._executor.join(_KILLED_SECONDS)

    def cancel(self) -> None:
        """End it now; `run` returns soon. Never waits."""
        self._end('cancelled')

    def _end(self, status: str) -> None:
        if not self.status:
            self.status = status
            self._over.set()

    def _died(self, name: str, error: BaseException) -> None:
        self.journal.caught(name, error)
        self._end('failed')


def _impatient(options: Any) -> Any:
    """Return the `[executor]` section with waits between retries that suit a spectator."""
    own = copy.copy(options)
    own.retry_backoff_seconds = min(own.retry_backoff_seconds, RETRY_SECONDS)
    own.retry_backoff_max_seconds = min(own.retry_backoff_max_seconds, RETRY_SECONDS)
    return own
