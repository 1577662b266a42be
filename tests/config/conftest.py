"""A small world of plugins for the loader: two sink types, two sources, two handlers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from marshmallow import ValidationError, validates_schema

from drakkar.config import option
from drakkar.config.config import Config
from drakkar.config.loader import load
from drakkar.config.option import OptionSchema
from drakkar.contracts.sink import Sink, SinkSpec
from drakkar.contracts.source import SourceSpec
from drakkar.errors import ConfigError
from drakkar.models.payload import Payload


class LineOptions(OptionSchema):
    """Appends lines to a file."""

    path = option.Path(required=True, description='File that receives one line a payload.')
    linger_ms = option.Int(default=5, min=0, description='Wait for more lines.')


def _not_easy(password: str) -> None:
    if password.startswith('guest'):
        raise ValidationError(f'{password} is too easy')


class DbOptions(OptionSchema):
    """Inserts rows."""

    dsn = option.Dsn(required=True, schemes=('postgresql',), description='Where to connect.')
    password = option.Secret(default='', description='Password of the user.', validate=_not_easy)
    pool_min = option.Int(default=1, min=0, description='Fewest connections.')
    pool_max = option.Int(default=4, min=1, description='Most connections.')
    statements = option.Mapping(description='SQL by name.')

    @validates_schema
    def _check(self, values: dict[str, Any], **kwargs: Any) -> None:
        option.at_most(values, 'pool_min', 'pool_max')
        if values['password'] == values['dsn']:
            raise ValidationError(f'password {values["password"]} must not be the dsn')


class LogOptions(OptionSchema):
    """Messages of an embedded log."""

    path = option.Path(default='drakkar-log', description='Folder of the log.')


class BrokerOptions(OptionSchema):
    """Messages of a broker."""

    brokers = option.List(required=True, description='Addresses.')
    topic = option.Str(required=True, description='Topic.')
    ca_file = option.Path(default=None, description='Certificates.')


class SearchOptions(OptionSchema):
    """Searches."""

    depth = option.Int(default=3, min=1, description='How deep to go.')


class _Sink(Sink):
    def deliver(self, payloads: Any) -> None:
        raise NotImplementedError


SINKS = {
    'line': SinkSpec('line', _Sink, Payload, LineOptions, label='Line file'),
    'db': SinkSpec('db', _Sink, Payload, DbOptions, label='Database'),
}


def _build(config: Any, worker_id: str) -> Any:
    raise NotImplementedError


SOURCES = {
    'log': SourceSpec('log', _build, LogOptions, label='Embedded log'),
    'broker': SourceSpec('broker', _build, BrokerOptions, label='Broker'),
}
HANDLERS = {'search': SearchOptions, 'count': None}


def handler_options(name: str) -> type[OptionSchema] | None:
    if name not in HANDLERS:
        raise ConfigError(f'[drakkar] handler = {name}: no such handler')
    return HANDLERS[name]


@pytest.fixture
def plugins() -> dict[str, Any]:
    """What `load` needs to know of plugins."""
    return {'sinks': SINKS, 'sources': SOURCES, 'handler_options': handler_options}


@pytest.fixture
def handlers() -> dict[str, type[OptionSchema] | None]:
    return HANDLERS


@pytest.fixture
def load_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Config]:
    """Load a text as the file `d.ini` of the current directory."""
    monkeypatch.chdir(tmp_path)

    def load_it(
        text: str, environ: Mapping[str, str] | None = None, overrides: Iterable[str] = ()
    ) -> Config:
        Path('d.ini').write_text(text, encoding='utf-8')
        return load(
            'd.ini',
            sinks=SINKS,
            sources=SOURCES,
            handler_options=handler_options,
            environ=environ or {},
            overrides=overrides,
        )

    return load_it


@pytest.fixture
def problems(load_text: Callable[..., Config]) -> Callable[..., list[str]]:
    """Return what is wrong with a text."""

    def problems_of(text: str, *args: Any, **kwargs: Any) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load_text(text, *args, **kwargs)
        return caught.value.problems

    return problems_of
