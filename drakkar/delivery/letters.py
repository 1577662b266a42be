"""Makes dead letters of payloads that a sink did not take."""

from __future__ import annotations

import time
import traceback

from drakkar.delivery.instance import describe
from drakkar.delivery.parcel import Parcel
from drakkar.models.delivery import DeadLetter, SinkRef
from drakkar.models.message import SourceMessage

MAX_TRACEBACK = 16_000


def letters_for(parcel: Parcel, sink: SinkRef, attempts: int) -> list[DeadLetter]:
    """Return one letter for each source message behind the failed payloads.

    With fan-in every message has its own letter, with all the payloads: each can
    be replayed alone. Payloads without a message (an HTTP request's) go with an
    empty one, so that they are not lost.
    """
    provenance = parcel.ticket.provenance
    error = parcel.error
    what = '' if error is None else describe(error)
    where = '' if error is None else format_traceback(error)
    now = time.time()
    return [
        DeadLetter(
            message=message,
            stage='deliver',
            error=what,
            traceback=where,
            payloads=parcel.payloads,
            sink=sink,
            task_id=provenance.task_id,
            labels=provenance.labels,
            attempts=attempts,
            time=now,
        )
        for message in provenance.messages or [_no_message()]
    ]


def format_traceback(error: BaseException) -> str:
    """Return the traceback's text, its end kept where it is long."""
    if error.__traceback__ is None:
        return ''
    return ''.join(traceback.format_exception(error))[-MAX_TRACEBACK:]


def _no_message() -> SourceMessage:
    return SourceMessage(topic='', partition=-1, offset=-1, value=None)
