"""Puts plugin distributions on `sys.path`, as pip would have left them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

HEADER = """
from drakkar.hookspecs import hookimpl
from drakkar.contracts.sink import Sink, SinkSpec
from drakkar.handler import Handler, HandlerSpec
from drakkar.models.payload import Payload
from marshmallow import Schema
import click

class LinePayload(Payload):
    sink_type = 'line'

class LineSink(Sink):
    def deliver(self, payloads):
        pass

class Search(Handler):
    def arrange(self, messages, pending):
        return []
"""

SINK = """
@hookimpl
def drakkar_register_sinks():
    return [SinkSpec('line', LineSink, LinePayload, Schema, label='Line file')]
"""


class Installer:
    """Writes distributions into one folder; imports of them are forgotten at the end."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        monkeypatch.syspath_prepend(str(folder))

    def install(self, name: str, source: str, *, version: str = '1.2', header: str = HEADER) -> str:
        """Install distribution `name` with one plugin of the same name; return its module."""
        module = self.module(name, header + textwrap.dedent(source))
        info = self.folder / f'{name.replace("-", "_")}-{version}.dist-info'
        info.mkdir()
        (info / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n')
        (info / 'entry_points.txt').write_text(f'[drakkar]\n{name} = {module}\n')
        return module

    def module(self, name: str, source: str) -> str:
        """Write a module that no plugin is found by; return the name it is imported by."""
        # One name a test, or a module of another test would be found in sys.modules.
        module = f'plugin_{name.replace("-", "_")}_{self.folder.name.replace("-", "_")}'
        (self.folder / f'{module}.py').write_text(source, encoding='utf-8')
        return module
