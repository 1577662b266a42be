"""Options of a sink that other sections fill in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from drakkar.config import option
from drakkar.config.config import Config
from drakkar.config.loader import load
from drakkar.config.option import OptionSchema
from drakkar.contracts.sink import Sink, SinkSpec
from drakkar.contracts.source import SourceSpec
from drakkar.errors import ConfigError
from drakkar.models.delivery import SinkRef
from drakkar.models.payload import Payload
from drakkar.worker.build import _sinks


class TownOptions(OptionSchema):
    """A town to send to."""

    town = option.Str(default='', description='Its name; empty: that of [road].')


class RoadOptions(OptionSchema):
    """Where messages come from."""

    town = option.Str(default='', description='Name of a town.')


class TownSink(Sink):
    def deliver(self, payloads: Sequence[Payload]) -> None:
        """Nothing."""


def complete(options: Any, config: Any) -> None:
    options.town = options.town or config.road.town
    if not options.town:
        raise ConfigError('town: missing here, and in [road] too')


def load_text(folder: Path, text: str) -> Config:
    path = folder / 'drakkar.ini'
    path.write_text(f'[drakkar]\nhandler = some\nsource = road\n{text}')
    return load(
        path,
        sinks={'town': SinkSpec('town', TownSink, Payload, TownOptions, complete=complete)},
        sources={'road': SourceSpec('road', lambda *_: None, RoadOptions)},  # type: ignore[arg-type, return-value]
        handler_options=lambda _: None,
        environ={},
    )


def test_an_instance_is_completed_when_its_sink_is_made(tmp_path: Path) -> None:
    config = load_text(tmp_path, '[road]\ntown = a\n[sinks.town.x]\n[sinks.town.y]\ntown = b\n')
    config.road.town = 'changed by on_startup'
    sinks, _ = _sinks(config)
    assert sinks[SinkRef('town', 'x')].options.town == 'changed by on_startup'
    assert sinks[SinkRef('town', 'y')].options.town == 'b'


def test_what_can_not_be_completed_is_a_problem_of_its_section(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, '[sinks.town.x]\n[sinks.town.y]\ntown = b\n[sinks.town.z]\n')
    one, two = caught.value.problems
    assert one.endswith(':4: [sinks.town.x]: town: missing here, and in [road] too')
    assert two.endswith(':7: [sinks.town.z]: town: missing here, and in [road] too')
