"""What an error of kafka-python means for the payload."""

from __future__ import annotations

from kafka import errors

import drakkar.api as dk

# The same record will be refused again.
OF_THE_RECORD = (
    errors.InvalidRecordError,
    errors.InvalidTimestampError,
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
)
# No record of this topic will be taken.
OF_THE_TOPIC = (
    errors.InvalidTopicError,
    errors.PolicyViolationError,
    errors.TopicAuthorizationFailedError,
    errors.UnsupportedForMessageFormatError,
)


class TopicRefusedError(dk.RefusedError):
    """The broker takes nothing for this topic."""


class RecordRefusedError(dk.RefusedError):
    """The broker refused a record."""


def judged(error: BaseException, topic: str, refused: str) -> Exception:
    """Return what an error that came back for a record sent to `topic` means.

    `refused` says why the brokers keep the producer out, which it does not know itself.
    """
    text = f'topic {topic}: {error}'
    if isinstance(error, OF_THE_RECORD):
        return RecordRefusedError(text)
    if isinstance(error, OF_THE_TOPIC):
        return TopicRefusedError(text)
    return dk.TransientSinkError(refused or text)


def unsendable(error: BaseException, topic: str) -> Exception:
    """Return what an error means that the client raised before anything was sent."""
    text = f'topic {topic}: {error}'
    if isinstance(error, errors.KafkaError) and not isinstance(
        error, (*OF_THE_RECORD, *OF_THE_TOPIC)
    ):
        return dk.NotWrittenError(text)
    # Too large, a key or header of a wrong type, a name that is none, data without a JSON form.
    return dk.RefusedError(text)
