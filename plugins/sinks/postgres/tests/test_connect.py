"""Finding the server: names, several hosts, time limits."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

import drakkar.api as dk
from drakkar.config.loader import load
from drakkar.plugins import PluginManager
from drakkar_sink_postgres import PostgresPayload, connect
from drakkar_sink_postgres.sink import PostgresSink
from integration.servers import ports
from integration.servers.postgres import Postgres


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_dead_host_and_a_silent_one_are_passed_by(
    database: Any, postgres: Postgres, silent: int
) -> None:
    name = database.column('SELECT current_database()')[0]
    hosts = f'127.0.0.1:{ports.pick()[0]},127.0.0.1:{silent},no.such.host.invalid:1,localhost'
    dsn = f'postgresql://drakkar@{hosts}:{postgres.port}/{name}?sslmode=disable'
    database.execute('CREATE TABLE t (n int)')
    database.connected(dsn=dsn, connect_timeout_seconds=0.8).deliver(
        [PostgresPayload('t', {'n': 1})]
    )
    assert database.column('SELECT n FROM t') == [1]


def test_a_server_that_may_not_be_written_to_is_passed_by(
    database: Any, postgres: Postgres
) -> None:
    here = f'127.0.0.1:{postgres.port}'
    dsn = database.dsn.replace(here, f'{here},{here}') + '?target_session_attrs='
    database.connected(dsn=f'{dsn}read-write')
    with pytest.raises(dk.TransientSinkError, match='not in hot standby mode'):
        database.connected(dsn=f'{dsn}standby')


def test_all_reasons_are_told_and_the_hub_stays_free(database: Any, silent: int) -> None:
    dead = ports.pick()[0]
    sink = database.sink(
        dsn=f'host=127.0.0.1,127.0.0.1,no.such.host.invalid port={dead},{silent},5 '
        'user=x password=very-secret',
        connect_timeout_seconds=0.8,
    )
    ticks: list[float] = []

    def tick() -> None:
        while True:
            ticks.append(time.monotonic())
            gevent.sleep(0.01)

    ticker = gevent.spawn(tick)
    with pytest.raises(dk.TransientSinkError) as caught:
        sink.connect()
    ticker.kill()
    reasons = str(caught.value).split('; ')
    assert [reason.split(': ')[0] for reason in reasons] == [
        '127.0.0.1',
        '127.0.0.1',
        'no.such.host.invalid',
    ]
    assert 'refused' in reasons[0]
    assert 'no answer within 0.8 seconds' in reasons[1]
    assert 'very-secret' not in str(caught.value)
    assert len(ticks) > 5


@pytest.mark.parametrize(
    ('dsn', 'addresses'),
    [
        ('host=127.0.0.1 port=1', ['127.0.0.1 127.0.0.1 1']),
        ('host=127.0.0.1,127.0.0.2 port=1', ['127.0.0.1 127.0.0.1 1', '127.0.0.2 127.0.0.2 1']),
        ('host=/run/x,127.0.0.2 port=1,2', ['/run/x - 1', '127.0.0.2 127.0.0.2 2']),
        ('dbname=x', ['- - -']),
        ('host=a,b hostaddr=127.0.0.1,127.0.0.2', ['a,b 127.0.0.1,127.0.0.2 -']),
        ('service=x', ['- - -']),
        ('host=a,b port=1,2,3', ['a,b - 1,2,3']),
    ],
)
def test_addresses_are_tried_one_by_one(dsn: str, addresses: list[str]) -> None:
    found = connect._addresses(connect.parse(dsn), [])
    keys = ('host', 'hostaddr', 'port')
    assert [' '.join(a.get(key, '-') for key in keys) for a in found] == addresses


@pytest.mark.parametrize(
    'dsn', ['postgresql://u:secret@h/d?nonsense=1', 'host=h password=secret nonsense=secret']
)
def test_a_dsn_that_libpq_can_not_read_is_a_mistake_and_stays_secret(
    database: Any, dsn: str
) -> None:
    with pytest.raises(dk.ConfigError) as caught:
        database.sink(dsn=dsn).connect()
    assert 'dsn' in str(caught.value)
    assert 'secret' not in str(caught.value)


def test_a_name_that_is_none_is_found_at_start(database: Any) -> None:
    with pytest.raises(dk.ConfigError, match=r'on_conflict: .* is longer'):
        database.connected(on_conflict='x' * 64)


def test_the_sections_of_the_readme_are_read_as_meant(tmp_path: Path) -> None:
    readme = Path(__file__).parent.parent / 'README.md'
    text = readme.read_text().split('```ini\n')[1].split('```')[0]
    file = tmp_path / 'drakkar.ini'
    file.write_text(
        f'[drakkar]\nhandler = x\n[log]\npath = log\n[executor]\nbinary_path = x\n{text}'
    )
    plugins = PluginManager.load({})
    config = load(
        file,
        sinks=plugins.sinks,
        sources=plugins.sources,
        handler_options=lambda name: None,
        environ={'DB_PASSWORD': 'secret'},
    )
    archive, counters = config.sinks.postgres['archive'], config.sinks.postgres['counters']
    assert archive.on_conflict == ['request_id']
    assert 'secret' not in repr(config)
    assert '%(word)s' in counters.statements['bump']
    assert not PostgresSink('counters', counters).idempotent
    assert PostgresSink('archive', archive).idempotent


def test_plain_code_beside_the_sink_waits_cooperatively_too(database: Any) -> None:
    database.connected()
    seen: list[int] = []
    other = gevent.spawn_later(0.01, seen.append, 1)
    database.execute('SELECT pg_sleep(0.1)')
    assert seen == [1]
    other.join()
