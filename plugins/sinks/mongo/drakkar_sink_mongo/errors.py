"""What MongoDB's errors say about a payload, by their codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymongo.errors import OperationFailure

import drakkar.api as dk
from drakkar_sink_mongo.writes import Write

DUPLICATE_KEY = 11000

# Codes of a server or cluster that may say yes a moment later, from its list of error codes.
TRANSIENT_CODES = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        18,  # AuthenticationFailed: the password changed while we ran
        24,  # LockTimeout
        50,  # MaxTimeMSExpired
        63,  # StaleShardVersion
        64,  # WriteConcernTimeout
        89,  # NetworkTimeout
        91,  # ShutdownInProgress
        100,  # UnsatisfiableWriteConcern
        112,  # WriteConflict
        150,  # StaleEpoch
        189,  # PrimarySteppedDown
        202,  # NetworkInterfaceExceededTimeLimit
        262,  # ExceededTimeLimit
        9001,  # SocketException
        10107,  # NotWritablePrimary
        11600,  # InterruptedAtShutdown
        11602,  # InterruptedDueToReplStateChange
        13388,  # StaleConfig
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
        14031,  # OutOfDiskSpace
    }
)

# Codes that are about the collection: each of its payloads would hear the same.
COLLECTION_CODES = frozenset(
    {
        13,  # Unauthorized
        20,  # IllegalOperation
        26,  # NamespaceNotFound
        73,  # InvalidNamespace
        166,  # CommandNotSupportedOnView
    }
)


def is_transient(error: OperationFailure) -> bool:
    """Return whether a command that failed as a whole may succeed later."""
    return error.code in TRANSIENT_CODES or error.has_error_label('RetryableWriteError')


def refused(error: OperationFailure) -> dk.RefusedError:
    """Return what a command that failed as a whole means for each of its payloads."""
    return dk.RefusedError(f'{server_text(error)} (code {error.code})')


def write_error(entry: Mapping[str, Any]) -> dk.SinkError:
    """Return what an entry of `writeErrors` means for its payload."""
    code = entry['code']
    text = f'{entry["errmsg"]} (code {code})'
    if entry.get('errInfo'):  # which rule of the collection's schema was broken
        text += f': {entry["errInfo"]}'
    return dk.NotWrittenError(text) if code in TRANSIENT_CODES else dk.RefusedError(text)


def is_duplicate_id(entry: Mapping[str, Any]) -> bool:
    """Return whether the `_id` is there already, and not the value of another unique index."""
    return entry['code'] == DUPLICATE_KEY and list(entry.get('keyPattern') or ()) == ['_id']


def unknown(error: BaseException, write: Write) -> dk.SinkError:
    """Return the error of a payload of which nobody knows whether it was written."""
    if write.repeatable:
        return dk.TransientSinkError(describe(error))
    return dk.SinkError(f'{describe(error)}; nobody knows whether it was written')


def server_text(error: OperationFailure) -> str:
    """Return what the server said, without the rest of its answer."""
    return (error.details or {}).get('errmsg') or str(error)


def describe(error: BaseException) -> str:
    """Return an error's class and text, without the driver's view of the cluster."""
    return f'{type(error).__name__}: {str(error).partition(", Topology Description:")[0]}'


def one_each(failures: Mapping[int, BaseException]) -> dict[int, BaseException]:
    """Return the failures with one exception for each reason: delivery groups them by it."""
    known: dict[tuple[type, str], BaseException] = {}
    return {i: known.setdefault((type(e), str(e)), e) for i, e in failures.items()}
