"""Opens the connection that the options describe, and says what is wrong with them."""

from __future__ import annotations

from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import (
    ConfigurationError,
    InvalidName,
    OperationFailure,
    ServerSelectionTimeoutError,
)
from pymongo.uri_parser import parse_uri

import drakkar.api as dk
from drakkar_sink_mongo.errors import TRANSIENT_CODES, server_text

AUTHENTICATION_FAILED = 18


def open_client(options: Any) -> MongoClient[RawBSONDocument]:
    """Return a client, which connects by and by. Raises ConfigError."""
    keywords: dict[str, Any] = {
        'serverSelectionTimeoutMS': options.connect_timeout_seconds * 1000,
        'connectTimeoutMS': options.connect_timeout_seconds * 1000,
        'socketTimeoutMS': options.socket_timeout_seconds * 1000,
    }
    if options.write_concern:
        number = options.write_concern.isdigit()
        keywords['w'] = int(options.write_concern) if number else options.write_concern
    try:
        parse_uri(options.uri)  # the client would only warn of an option that it does not know
        client = MongoClient[RawBSONDocument](
            options.uri, document_class=RawBSONDocument, **keywords
        )
    except (ConfigurationError, ValueError, TypeError) as error:
        raise dk.ConfigError(f'uri: {error}') from error
    if not client.write_concern.acknowledged:
        client.close()
        raise dk.ConfigError('write_concern: must be at least 1, or losses would go unnoticed')
    return client


def open_database(client: MongoClient[RawBSONDocument], options: Any) -> Database[RawBSONDocument]:
    """Return the database once a server that takes writes has answered.

    Raises ConfigError, or what the driver raises.
    """
    name = options.database
    try:
        database = client[name] if name else client.get_default_database()
    except (ConfigurationError, InvalidName) as error:
        raise dk.ConfigError(f'database: {error}') from error
    try:
        database.command('ping')
    except ServerSelectionTimeoutError as error:
        raise ServerSelectionTimeoutError(_servers(client) or str(error)) from error
    except OperationFailure as error:
        if error.code in TRANSIENT_CODES and error.code != AUTHENTICATION_FAILED:
            raise
        raise dk.ConfigError(f'uri: the server says: {server_text(error)}') from error
    return database


def _servers(client: MongoClient[RawBSONDocument]) -> str:
    """Return the servers with what was wrong with each."""
    servers = client.topology_description.server_descriptions().items()
    return '; '.join(
        f'{host}:{port}: {description.error or description.server_type_name}'
        for (host, port), description in servers
    )
