"""Makes dead letters of payloads that a sink did not take."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

from drakkar.delivery.instance import describe
from drakkar.delivery.parcel import Parcel, flatten
from drakkar.models.delivery import DeadLetter, SinkRef
from drakkar.models.message import SourceMessage

MAX_TRACEBACK = 16_000
# Different errors of one letter that are written out.
MAX_ERRORS = 5


def letters_for(parcels: Sequence[Parcel], sink: SinkRef, attempts: int) -> list[DeadLetter]:
    """Return one letter for each source message behind failed parcels of one ticket.

    With fan-in every message has its own letter, with all the payloads: each can
    be replayed alone. Payloads without a message (an HTTP request's) go with an
    empty one, so that they are not lost.
    """
    provenance = parcels[0].ticket.provenance
    payloads = flatten(parcels)
    errors = [parcel.error for parcel in parcels if parcel.error is not None]
    what = _describe_all(errors)
    where = format_traceback(errors[0]) if errors else ''
    return [
        DeadLetter(
            message=message,
            stage='deliver',
            error=what,
            traceback=where,
            payloads=payloads,
            sink=sink,
            task_id=provenance.task_id,
            labels=provenance.labels,
            attempts=attempts,
        )
        for message in provenance.messages or [_no_message()]
    ]


def _describe_all(errors: Sequence[BaseException]) -> str:
    texts = list(dict.fromkeys(map(describe, errors)))
    more = len(texts) - MAX_ERRORS
    return '; '.join(texts[:MAX_ERRORS]) + (f'; and {more} more' if more > 0 else '')


def format_traceback(error: BaseException) -> str:
    """Return the traceback's text, its end kept where it is long."""
    if error.__traceback__ is None:
        return ''
    return ''.join(traceback.format_exception(error))[-MAX_TRACEBACK:]


def _no_message() -> SourceMessage:
    return SourceMessage(topic='', partition=-1, offset=-1, value=None)
