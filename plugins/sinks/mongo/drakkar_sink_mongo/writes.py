"""What each payload asks MongoDB to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bson.raw_bson import RawBSONDocument
from pymongo import InsertOne, ReplaceOne, UpdateOne

import drakkar.api as dk
from drakkar_sink_mongo.documents import encode
from drakkar_sink_mongo.payload import MongoPayload
from drakkar_sink_mongo.update import INSERT, Update

Request = InsertOne[RawBSONDocument] | ReplaceOne[RawBSONDocument] | UpdateOne


@dataclass(slots=True)
class Write:
    """The request for the payload at `position` of a delivery.

    `document` is what it inserts, None for other requests; `new_id` says that we
    gave it its `_id`. Where it is not `repeatable`, it must not be sent again
    without being asked for.
    """

    position: int
    request: Request
    document: RawBSONDocument | None = None
    new_id: bool = False
    repeatable: bool = True


def make_write(position: int, payload: MongoPayload, updates: Mapping[str, Update]) -> Write:
    """Return the write for a payload. Raises RefusedError, or what its schema raises."""
    if not isinstance(payload.collection, str):
        raise dk.RefusedError(f'the collection must be a text, not {payload.collection!r}')
    data = payload.plain()
    if not isinstance(data, Mapping):
        raise dk.RefusedError(f'a document must be a mapping, not {type(data).__name__}')
    operation = payload.operation
    if operation and operation != INSERT:
        return _update(position, operation, data, updates)
    if '_id' not in data:
        document = encode({'_id': payload.new_id(), **data})
        return Write(position, InsertOne(document), document, new_id=True)
    # The _id in front, where the server has it: stored and sent documents can be compared.
    document = encode({'_id': data['_id'], **data})
    if operation == INSERT:
        return Write(position, InsertOne(document), document)
    # An _id such as {"$gt": ""} would be a condition, but replaces nothing: its document would
    # have to change its _id, which the server refuses.
    return Write(position, ReplaceOne({'_id': document['_id']}, document, upsert=True))


def _update(
    position: int, name: str, data: Mapping[str, object], updates: Mapping[str, Update]
) -> Write:
    update = updates.get(name)
    if update is None:
        known = ', '.join(sorted({INSERT, *updates}))
        raise dk.RefusedError(f'no operation {name!r}; known: {known}')
    where, change = map(encode, update.fill(data))
    request = UpdateOne(where, change, upsert=update.upsert)
    return Write(position, request, repeatable=update.repeatable)
