"""The payload of the MongoDB sink."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema

import drakkar.api as dk

if TYPE_CHECKING:
    from bson import ObjectId


class MongoPayload(dk.Payload):
    """One document for `collection`.

    With an `_id` it replaces the document of that `_id`, or is added; without
    it is added under a new one. `operation` changes that: `insert` never replaces,
    any other is the name of an update in the sink's section, which takes its
    values from `data`.
    """

    sink_type = 'mongo'

    # A slot, for it is no part of what the payload says: neither compared nor dead-lettered.
    __slots__ = ('_new_id',)

    def __init__(
        self,
        collection: str,
        data: Any,
        *,
        operation: str = '',
        sink: str = '',
        schema: Schema | None = None,
    ) -> None:
        super().__init__(data, sink=sink, schema=schema)
        self.collection = collection
        self.operation = operation
        self._new_id: ObjectId | None = None

    def new_id(self) -> ObjectId:
        """Return the `_id` of data that has none: always the same, so that a retry is known."""
        if self._new_id is None:
            from bson import ObjectId  # here, for handlers import this module without the driver

            self._new_id = ObjectId()
        return self._new_id
