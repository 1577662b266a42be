"""From payload data to BSON, one by one: what can not be written must not spoil the others."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
from collections.abc import Mapping
from typing import Any

import bson
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, TypeRegistry
from bson.decimal128 import Decimal128
from bson.raw_bson import RawBSONDocument

import drakkar.api as dk

# MongoDB's limit for one document.
MAX_BYTES = 16 * 1024 * 1024


def _plain(value: Any) -> Any:
    """Turn what BSON does not know into what it knows."""
    if isinstance(value, decimal.Decimal):
        return Decimal128(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    return value


CODEC: CodecOptions[dict[str, Any]] = CodecOptions(
    uuid_representation=UuidRepresentation.STANDARD,
    type_registry=TypeRegistry(fallback_encoder=_plain),
)


def encode(document: Mapping[str, Any]) -> RawBSONDocument:
    """Return a document that is encoded already. Raises RefusedError where it can not be."""
    try:
        encoded = bson.encode(document, codec_options=CODEC)
    except Exception as error:  # also what a value of the user's own type raises
        raise dk.RefusedError(f'no form in BSON: {error}') from error
    if len(encoded) > MAX_BYTES:
        raise dk.RefusedError(f'the document has {len(encoded)} bytes, the most is {MAX_BYTES}')
    return RawBSONDocument(encoded)
