"""The handler's hooks and its decoding, as the probe calls them: marked and noted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from structlog.contextvars import bound_contextvars

from drakkar import probing
from drakkar.greenlets import Killed
from drakkar.handler import Handler
from drakkar.models.message import SourceMessage
from drakkar.models.task import ExecutorTask
from drakkar.pipeline.decode import Decoder
from drakkar.pipeline.hooks import Hooks
from drakkar.worker.probe import shown
from drakkar.worker.probe.journal import Journal


@contextmanager
def marked(journal: Journal, probe_id: str) -> Iterator[None]:
    """Mark what runs inside as the probe's, its log lines too."""
    with probing.scope(journal.annotate), bound_contextvars(probe=probe_id):
        yield


class ProbeHooks(Hooks):
    """Hooks that hear only their probe's journal."""

    def __init__(self, handler: Handler, journal: Journal, probe_id: str) -> None:
        super().__init__(handler, journal)
        self._journal = journal
        self._probe_id = probe_id

    def call(self, hook: str, *args: Any, **where: Any) -> Any:
        call = self._journal.hook_begins(hook, where.get('task_id', ''))
        try:
            with marked(self._journal, self._probe_id):
                return super().call(hook, *args, **where)
        except Killed:
            call.error = 'had not returned when the probe was ended'
            raise
        except BaseException as error:
            call.error = f'{type(error).__name__}: {shown.line(shown.error_text(error), 2000)}'
            raise
        finally:
            self._journal.hook_ends(call)

    def priority(self, task: ExecutorTask) -> Any:
        with marked(self._journal, self._probe_id):
            return super().priority(task)

    def label(self, message: SourceMessage) -> str:
        with marked(self._journal, self._probe_id):
            return super().label(message)


class ProbeDecoder(Decoder):
    """Notes what the value became, and the message's label: handlers make it of the payload."""

    def __init__(
        self, handler: Handler, journal: Journal, hooks: ProbeHooks, probe_id: str
    ) -> None:
        super().__init__(handler)
        self._journal = journal
        self._hooks = hooks
        self._probe_id = probe_id

    def decode(self, message: SourceMessage) -> None:
        journal = self._journal
        start = journal.now
        failed = True
        try:
            with marked(journal, self._probe_id):
                super().decode(message)
            failed = False
            payload = message.payload
            if isinstance(payload, bytes):
                payload = (shown.readable(payload, len(payload)) or {}).get('text')
            journal.decoded = journal.snapshot(payload)
        finally:
            journal.span('decode', '', start, journal.now - start, failed)
            journal.label = shown.line(self._hooks.label(message))
