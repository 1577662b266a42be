"""The `[webapp]` section and its clients: what is refused before anything starts."""

from __future__ import annotations

from typing import Any

import pytest

from drakkar.config.loader import load
from drakkar.config.option import OptionSchema
from drakkar.contracts.source import SourceSpec
from drakkar.errors import ConfigError


def _never(*_: Any) -> Any:
    raise AssertionError('nothing is built')


def webapp(environ: dict[str, str] | None = None, **values: Any) -> Any:
    """Load a configuration with these values of `[webapp]`."""
    sections = {'drakkar': {'handler': 'x', 'source': 'none'}, 'webapp': values}
    config = load(
        None,
        sinks={},
        sources={'none': SourceSpec('none', _never, OptionSchema)},
        handler_options=lambda _name: None,
        environ=environ or {},
        values=sections,
    )
    return config.webapp


def problem(**values: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        webapp(**values)
    return str(caught.value)


def clients(**tokens: str) -> dict[str, Any]:
    return {name: {'token': token} for name, token in tokens.items()}


def test_it_is_off_and_has_one_anonymous_client_by_default() -> None:
    options = webapp()
    assert (options.enabled, options.port, options.path) == (False, 8090, '/process')
    assert (options.request_timeout_seconds, options.max_concurrent) == (30, 64)
    assert options.max_body_bytes == 10 * 1024 * 1024
    assert not options.sinks_enabled
    assert {n: (c.token, c.rpm) for n, c in options.clients.items()} == {'anonymous': ('', 4)}


def test_named_clients_stand_alone() -> None:
    options = webapp(clients={'tenant-A': {'token': 'secret', 'rpm': 60}})
    assert list(options.clients) == ['tenant-A']
    assert options.masked()['clients']['tenant-A'] == {'token': '***', 'rpm': 60}


def test_a_token_may_come_from_the_environment() -> None:
    options = webapp(
        environ={'DK_WEBAPP__CLIENTS__TENANT_A__TOKEN': 'other', 'DK_WEBAPP__ENABLED': 'true'},
        clients={'tenant-A': {'token': 'secret'}},
    )
    assert options.enabled
    assert options.clients['tenant-A'].token == 'other'


@pytest.mark.parametrize('token', ['schlüssel', 'two words', 'a\tb', '\x7f'])
def test_a_token_is_visible_ascii(token: str) -> None:
    text = problem(clients=clients(a=token))
    assert '[webapp.clients.a] token = ***: a token is made of visible ASCII characters' in text
    assert token not in text


def test_two_clients_may_not_share_a_token() -> None:
    text = problem(clients=clients(a='same-token', b='other', c='same-token'))
    assert '[webapp.clients.a] and [webapp.clients.c] have the same token' in text
    assert 'same-token' not in text


def test_only_one_client_may_be_without_a_token() -> None:
    text = problem(clients=clients(a='', b=''))
    assert '[webapp.clients.a] and [webapp.clients.b] have no token; only one client may' in text


@pytest.mark.parametrize('rpm', [0, -1])
def test_a_client_may_send_something(rpm: int) -> None:
    text = problem(clients={'a': {'rpm': rpm}})
    assert f'[webapp.clients.a] rpm = {rpm}: expected a whole number from 1 to' in text


@pytest.mark.parametrize('path', ['process', '', '/a b', '/a?b=c', '/ä', '/a#b'])
def test_a_path_begins_with_a_slash(path: str) -> None:
    assert '[webapp] path' in problem(path=path)
    assert 'a path begins with /' in problem(path=path)


def test_the_path_of_the_description_is_taken() -> None:
    assert 'where the description of the endpoint is served' in problem(path='/openapi.json')


@pytest.mark.parametrize(
    ('option', 'value'),
    [('max_concurrent', 0), ('request_timeout_seconds', 0), ('max_body_bytes', 0), ('port', -1)],
)
def test_ranges(option: str, value: float) -> None:
    assert f'[webapp] {option} = {value}: expected a' in problem(**{option: value})
