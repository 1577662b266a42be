"""Pytest fixtures: real servers for a whole session, started when the first test asks.

Loaded by the root conftest.py for every suite of the repository; costs nothing where no test asks.
A server that can not be had skips the test with the reason; DRAKKAR_TEST_REQUIRE=1 makes that a
failure. A test may stop, kill or pause a server: it is brought back before the test's teardown.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from integration.servers.obtain import REQUIRE

if TYPE_CHECKING:
    from integration.servers.http_echo import HttpEcho
    from integration.servers.kafka import Kafka, KafkaAddress
    from integration.servers.mongo import Mongo
    from integration.servers.postgres import Postgres
    from integration.servers.prometheus import Prometheus
    from integration.servers.redis import Redis

_serving: list[Any] = []


@pytest.fixture(scope='session')
def redis_server(pytestconfig: pytest.Config) -> Iterator[Redis]:
    """A Redis server; keep to keys that begin with `unique_name`, or flush at your own start."""
    from integration.servers.redis import Redis

    with serving(pytestconfig, Redis) as server:
        yield server


@pytest.fixture(scope='session')
def postgres(pytestconfig: pytest.Config) -> Iterator[Postgres]:
    """A PostgreSQL server; see `postgres_dsn` for a database of the test's own."""
    from integration.servers.postgres import Postgres

    with serving(pytestconfig, Postgres) as server:
        yield server


@pytest.fixture
def postgres_dsn(postgres: Postgres) -> Iterator[str]:
    """The URL of a new, empty database, removed at the end."""
    name = postgres.create_database()
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture(scope='session')
def mongo(pytestconfig: pytest.Config) -> Iterator[Mongo]:
    """A MongoDB server, or one of its protocol; take `unique_name` for a database's name."""
    from integration.servers.mongo import Mongo

    with serving(pytestconfig, Mongo) as server:
        yield server


@pytest.fixture(scope='session')
def http_echo(pytestconfig: pytest.Config) -> Iterator[HttpEcho]:
    """An HTTP server; see `http_path` for a part of it that is the test's own."""
    from integration.servers.http_echo import HttpEcho

    with serving(pytestconfig, HttpEcho) as server:
        yield server


@pytest.fixture(scope='session')
def kafka(pytestconfig: pytest.Config) -> Iterator[KafkaAddress]:
    """Some Kafka of one broker: a given one, Apache Kafka, else Tansu; see its `kind`."""
    from integration.servers.catalog import kafka_kind
    from integration.servers.kafka import given
    from integration.servers.obtain import NotObtainableError

    try:
        with off_the_clock(), _shown(pytestconfig):
            found = given()
            kind = None if found else kafka_kind()
    except NotObtainableError as error:
        unobtainable(str(error))
    if found:
        yield found
        return
    with serving(pytestconfig, kind) as server:
        yield server


@pytest.fixture(scope='session')
def apache_kafka(kafka: KafkaAddress) -> Kafka:
    """The same, where it is an Apache Kafka that a test may stop; else the test is skipped."""
    if kafka.kind != 'apache':
        unobtainable(f'needs an Apache Kafka of its own; there is: {kafka.kind} {kafka.address}')
    return kafka  # type: ignore[return-value]


@pytest.fixture(scope='session')
def kafka_cluster(pytestconfig: pytest.Config) -> Iterator[Kafka]:
    """Apache Kafka of three brokers, `nodes`; any one of them may be down."""
    from integration.servers.kafka import Kafka

    with serving(pytestconfig, Kafka, brokers=3) as server:
        yield server


@pytest.fixture(scope='session')
def prometheus(pytestconfig: pytest.Config) -> Iterator[Prometheus]:
    """A Prometheus server; `scrape` says which addresses it looks at."""
    from integration.servers.prometheus import Prometheus

    with serving(pytestconfig, Prometheus) as server:
        yield server


@pytest.fixture
def http_path(http_echo: HttpEcho, unique_name: str) -> Iterator[str]:
    """A path that no other test uses; rules for it and below are removed at the end."""
    yield f'/{unique_name}'
    http_echo.behave(f'/{unique_name}')


@pytest.fixture
def unique_name(request: pytest.FixtureRequest) -> str:
    """A name that no other test has: for topics, key prefixes, tables, paths."""
    return fresh_name(request.node.name)


def fresh_name(start: str) -> str:
    """Return a name of lower-case letters, digits and underscores that was not used before."""
    return f'{re.sub("[^a-z0-9]+", "_", start.lower())[:40].strip("_")}_{uuid.uuid4().hex[:8]}'


@contextlib.contextmanager
def serving(config: pytest.Config, kind: Any, **options: Any) -> Iterator[Any]:
    """Obtain and start a server for the session; skip, or fail, where it can not be had."""
    from integration.servers.obtain import NotObtainableError

    with off_the_clock(), _shown(config):
        try:
            kind.obtain()
        except NotObtainableError as error:
            unobtainable(str(error))
        server = kind(session=True, **options)
        try:
            server.start()
        except BaseException:
            server.close()
            raise
    _serving.append(server)
    try:
        yield server
    finally:
        _serving.remove(server)
        server.close()


def unobtainable(reason: str) -> None:
    """Skip the test, or fail it where the servers are required."""
    if os.environ.get(REQUIRE, '') not in ('', '0'):
        pytest.fail(f'{REQUIRE} is set, but: {reason}', pytrace=False)
    pytest.skip(reason)


@contextlib.contextmanager
def off_the_clock() -> Iterator[None]:
    """Stop the time limit of the test meanwhile: fetching and starting have limits of their own."""
    remaining, interval = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, remaining, interval)


@contextlib.contextmanager
def _shown(config: pytest.Config) -> Iterator[None]:
    """Let the steps of fetching reach the terminal, as they happen."""
    capture = config.pluginmanager.getplugin('capturemanager')
    if capture is None:
        yield
        return
    with capture.global_and_fixture_disabled():
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Bring back what the test stopped, before the fixtures clean up in it."""
    if _serving:
        with off_the_clock():
            for server in _serving:
                server.heal()
