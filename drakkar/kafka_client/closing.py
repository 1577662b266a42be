"""Lets kafka-python close without a cry: it logs requests that its own end cancels as errors."""

from __future__ import annotations

import logging
from typing import Any

from kafka.errors import Cancelled

# The second has the error in its text only.
_LOGGERS = ('kafka.cluster', 'kafka.producer.transaction_manager')


class _Cancelled(logging.Filter):
    """Makes a record that tells of a cancelled request one of level info.

    A request is cancelled by the client's own end and by nothing else: what a broker or
    the network does to it has errors of other types.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if not _tells_of_cancelling(record.args, record.msg):
            return True
        record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
        return logging.getLogger(record.name).isEnabledFor(record.levelno)


def _tells_of_cancelling(args: Any, text: object) -> bool:
    if isinstance(args, tuple) and args:
        return any(isinstance(arg, Cancelled) for arg in args)
    return str(text).endswith(f': {Cancelled.__name__}')


_FILTER = _Cancelled()


def mend_closing() -> None:
    """Mend kafka-python in this process; called by whoever makes the first client."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
