"""The page about the webapp names what there is, and its examples run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from gevent.pywsgi import WSGIServer

from drakkar.recorder.events import EVENT_TYPES
from drakkar.webapp.openapi import describe
from tests.docs.test_plugins_docs import DOCS, examples
from tests.webapp.site import Site

TEXT = (DOCS / 'webapp.md').read_text(encoding='utf-8')
DOCUMENT = describe('x', '/process', None, None, True, True)


def test_the_page_has_every_field_and_code() -> None:
    report = DOCUMENT['components']['schemas']['WebReport']['properties']
    told = set(re.findall(r'`(\w+)`', TEXT))
    assert set(report) - told == set()
    codes = set(re.findall(r'\b([2345]\d\d)\b', TEXT))
    assert set(DOCUMENT['paths']['/process']['post']['responses']) - codes == set()


def test_the_page_has_every_event() -> None:
    for name in EVENT_TYPES:
        if name.startswith('webapp_request'):
            assert name.removeprefix('webapp_request') in TEXT, name


def test_the_handler_runs() -> None:
    found = examples('webapp.md')
    found['test_words_are_counted']()
    with Site(found['WordHandler']) as site:
        report = site.report({'text': 'a b c'}, headers={'X-Request-ID': 'from-a-header'})
    assert (report['request_id'], report['result']) == ('from-a-header', {'words': 3})


class Topic:
    """Keeps what is sent; `send` returns what kafka-python's producer does, as far as needed."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    def send(self, topic: str, value: bytes) -> Topic:
        self.sent.append((topic, json.loads(value)))
        return self

    def get(self, timeout: float) -> None:
        """It is safe."""


@pytest.fixture
def answering() -> Iterator[dict[str, Any]]:
    """A server that answers with the code that the test wants."""
    wanted: dict[str, Any] = {'code': 200}

    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response(f'{wanted["code"]} Whatever', [('Content-Type', 'application/json')])
        return [b'{"result": 7}']

    server = WSGIServer(('127.0.0.1', 0), application, log=None)
    server.start()
    yield {**wanted, 'url': f'http://127.0.0.1:{server.server_port}/process', 'wanted': wanted}
    server.stop()


def test_the_client_falls_back_to_the_topic(answering: dict[str, Any]) -> None:
    topic = Topic()
    client = examples('webapp.md')['Client'](answering['url'], 'token', topic, 'requests')
    assert client.ask({'n': 1}) == 7
    for code in (429, 503, 504):
        answering['wanted']['code'] = code
        assert client.ask({'n': code}) is None
    assert topic.sent == [('requests', {'n': n}) for n in (429, 503, 504)]
    for code in (401, 422, 500):
        answering['wanted']['code'] = code
        with pytest.raises(requests.HTTPError):
            client.ask({'n': code})
    client.url = 'http://127.0.0.1:9/process'
    assert client.ask({'n': 'away'}) is None
    assert len(topic.sent) == 4
    client.session.close()
