from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drakkar.testing.sink_contract import SinkContract
from drakkar_sink_filesystem import FilePayload, drakkar_register_sinks
from drakkar_sink_filesystem.sink import FileSink


class TestFileSink(SinkContract):
    spec = drakkar_register_sinks()[0]

    @pytest.fixture(autouse=True)
    def base(self, tmp_path: Path) -> None:
        self.path = tmp_path

    def make_sink(self) -> FileSink:
        options = self.spec.options().load({'base_path': str(self.path)})
        return FileSink('files', options)

    def make_payload(self, number: int, value: Any = None) -> FilePayload:
        return FilePayload('out/results.jsonl', {'number': number, 'value': value})

    def read_back(self) -> list[tuple[int, Any]]:
        file = self.path / 'out' / 'results.jsonl'
        text = file.read_text() if file.exists() else ''
        rows = [json.loads(line) for line in text.split('\n') if line]
        return [(row['number'], row['value']) for row in rows]
