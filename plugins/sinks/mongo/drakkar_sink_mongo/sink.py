"""The MongoDB sink: one unordered bulk write for each collection in a delivery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import ConnectionFailure

import drakkar.api as dk
from drakkar_sink_mongo.bulk import Failures, write_all
from drakkar_sink_mongo.client import open_client, open_database
from drakkar_sink_mongo.errors import one_each
from drakkar_sink_mongo.payload import MongoPayload
from drakkar_sink_mongo.update import parse_updates
from drakkar_sink_mongo.writes import Write, make_write


class MongoSink(dk.Sink):
    """Inserts documents, replaces them by `_id`, and runs the updates of its section."""

    # Inserts and replacements are, and many updates. Of others, `deliver` calls only those
    # failures transient that certainly wrote nothing, so that none is repeated without being
    # asked for.
    idempotent = True
    transient_errors = (*dk.Sink.transient_errors, ConnectionFailure)

    def __init__(self, name: str, options: Any) -> None:
        super().__init__(name, options)
        self._updates, _ = parse_updates(options.operations)
        self._client: MongoClient[RawBSONDocument] | None = None
        self._database: Database[RawBSONDocument] | None = None

    def connect(self) -> None:
        """Find a server that takes writes. Raises ConfigError where the section is wrong."""
        self.close()
        self._client = open_client(self.options)
        self._database = open_database(self._client, self.options)

    def deliver(self, payloads: Sequence[dk.Payload]) -> None:
        if self._database is None:
            raise dk.NotWrittenError('not connected')
        failures: Failures = {}
        collections: dict[str, list[Write]] = {}
        for position, payload in enumerate(cast(Sequence[MongoPayload], payloads)):
            try:
                write = make_write(position, payload, self._updates)
            except dk.RefusedError as error:
                failures[position] = error
            except Exception as error:  # a schema's dump may raise anything
                failures[position] = dk.RefusedError(f'no form in BSON: {error}')
            else:
                collections.setdefault(payload.collection, []).append(write)
        failures.update(write_all(self._database, collections))
        if failures:
            raise dk.PartialDeliveryError(one_each(failures))

    def close(self) -> None:
        client, self._client, self._database = self._client, None, None
        if client is not None:
            client.close()
