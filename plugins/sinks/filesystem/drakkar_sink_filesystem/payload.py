"""The payload of the filesystem sink."""

from __future__ import annotations

import os
from typing import Any

from marshmallow import Schema

import drakkar.api as dk


class FilePayload(dk.Payload):
    """One line of JSON for the file `path`, relative to the sink's `base_path`."""

    sink_type = 'filesystem'

    def __init__(
        self,
        path: str | os.PathLike[str],
        data: Any,
        *,
        sink: str = '',
        schema: Schema | None = None,
    ) -> None:
        super().__init__(data, sink=sink, schema=schema)
        self.path = os.fspath(path)
