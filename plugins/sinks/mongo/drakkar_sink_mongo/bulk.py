"""Writes what belongs to one delivery, and finds out what of it failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gevent
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    InvalidName,
    OperationFailure,
    ServerSelectionTimeoutError,
)

import drakkar.api as dk
from drakkar_sink_mongo import errors
from drakkar_sink_mongo.writes import Write

Failures = dict[int, BaseException]


def write_all(
    database: Database[RawBSONDocument], collections: Mapping[str, list[Write]]
) -> Failures:
    """Write collection by collection, until the server is lost; return the failures."""
    failures: Failures = {}
    lost: BaseException | None = None
    for name, writes in collections.items():
        if lost is not None:
            reason = dk.NotWrittenError(errors.describe(lost))
            failures.update((write.position, reason) for write in writes)
            continue
        try:
            failures.update(_write(database[name], writes))
        except (InvalidName, TypeError) as error:
            refused = dk.RefusedError(f'collection {name!r}: {error}')
            failures.update((write.position, refused) for write in writes)
        except ServerSelectionTimeoutError as error:  # nothing was sent
            lost = error
            reason = dk.NotWrittenError(errors.describe(error))
            failures.update((write.position, reason) for write in writes)
        except (ConnectionFailure, gevent.Timeout) as error:
            lost = error
            failures.update((write.position, errors.unknown(error, write)) for write in writes)
    return failures


def _write(collection: Collection[RawBSONDocument], writes: Sequence[Write]) -> Failures:
    """Write to one collection; return the failures by position in the delivery."""
    try:
        collection.bulk_write([write.request for write in writes], ordered=False)
    except BulkWriteError as error:
        return _refused(collection, writes, error.details)
    except OperationFailure as error:
        if errors.is_transient(error):
            return {write.position: errors.unknown(error, write) for write in writes}
        if len(writes) == 1 or error.code in errors.COLLECTION_CODES:
            return {write.position: errors.refused(error) for write in writes}
        # Something in one of them: the server took none, so all may be sent again.
        middle = len(writes) // 2
        return _write(collection, writes[:middle]) | _write(collection, writes[middle:])
    return {}


def _refused(
    collection: Collection[RawBSONDocument], writes: Sequence[Write], details: Mapping[str, Any]
) -> Failures:
    """Return the failures of a bulk write that the server took in part."""
    entries = {entry['index']: entry for entry in details['writeErrors']}
    there = _already_there(
        collection, [writes[i] for i, e in entries.items() if errors.is_duplicate_id(e)]
    )
    failures: Failures = {
        writes[i].position: errors.write_error(entry)
        for i, entry in entries.items()
        if writes[i].position not in there
    }
    for concern in details['writeConcernErrors']:  # written, but not by enough members
        reason = ConnectionFailure(f'{concern.get("errmsg")} (code {concern.get("code")})')
        for i, write in enumerate(writes):
            if i not in entries:
                failures[write.position] = errors.unknown(reason, write)
    return failures


def _already_there(
    collection: Collection[RawBSONDocument], duplicates: Sequence[Write]
) -> set[int]:
    """Return the positions of inserts whose very document is stored: by an earlier attempt."""
    there = {write.position for write in duplicates if write.new_id}
    named = {w.position: w.document for w in duplicates if w.document is not None and not w.new_id}
    if named:
        ids = [document['_id'] for document in named.values()]
        stored = {found.raw for found in collection.find({'_id': {'$in': ids}})}
        there.update(position for position, document in named.items() if document.raw in stored)
    return there
