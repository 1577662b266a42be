"""The examples of docs/sinks.md are run, against the suite that the page describes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import drakkar.api as dk
from drakkar.envelope import parse

PAGE = (Path(__file__).parents[2] / 'docs' / 'sinks.md').read_text()
_, PLUGIN = PAGE.split('## Writing a sink')
EXAMPLE: dict[str, Any] = {}
for block in re.findall(r'^```python\n(.*?)^```', PLUGIN, re.DOTALL | re.MULTILINE):
    exec(block, EXAMPLE)

TestCarefulSink = EXAMPLE['TestCarefulSink']
test_it_arrives = EXAMPLE['test_it_arrives']


class TestLineSink(TestCarefulSink):
    spec = EXAMPLE['drakkar_register_sinks']()[0]
    isolates_bad_data = False

    def make_sink(self) -> dk.Sink:
        return EXAMPLE['LineSink']('test', EXAMPLE['LineOptions']().load({'path': self.path}))


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_envelope_is_one() -> None:
    (block,) = re.findall(r'^```json\n(.*?)^```', PAGE, re.DOTALL | re.MULTILINE)
    envelope = parse(block)
    assert envelope.message.value == b'\xff'
    assert envelope.message.key is None
