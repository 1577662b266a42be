"""The life of the UI's server within its worker."""

from __future__ import annotations

import contextlib
import time
from http.client import HTTPConnection

import pytest
from gevent import socket

from drakkar.errors import ConfigError
from drakkar.testing.harness import WorkerHarness
from drakkar.ui import server
from drakkar.ui.wiring import add_ui
from tests.ui.site import PATIENCE_SECONDS, Echo, running


def test_a_busy_port_is_a_configuration_error_before_anything_starts() -> None:
    with running() as site:
        config = {'executor': {'binary_path': '/bin/sh'}, 'debug': {'port': site.ui.port}}
        second = WorkerHarness(Echo, config=config)
        add_ui(second.worker)
        second.running.start()
        with pytest.raises(ConfigError) as caught:
            second.running.get()
        assert str(caught.value).startswith(f'[debug] port = {site.ui.port}: ')


def test_where_it_is_off_there_is_none() -> None:
    config = {'executor': {'binary_path': '/bin/sh'}, 'debug': {'enabled': False}}
    harness = WorkerHarness(Echo, config=config)
    assert add_ui(harness.worker) is None


@pytest.mark.parametrize(
    ('debug', 'event'),
    [
        ({}, 'ui_without_token'),
        ({'host': 'localhost'}, 'ui_without_token'),
        ({'host': '0.0.0.0'}, 'ui_open_to_the_network'),
        ({'host': '0.0.0.0', 'auth_token': 'x'}, ''),
        ({'auth_token': 'x'}, ''),
    ],
)
def test_a_worker_says_that_its_ui_is_open(
    debug: dict[str, str], event: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(**debug):
        said = ''.join(capsys.readouterr())
    assert (event or 'running') in said
    assert event or 'ui_' not in said


def test_a_connection_that_is_kept_open_does_not_hold_up_the_end() -> None:
    with running() as site:
        connection = HTTPConnection('127.0.0.1', site.ui.port, timeout=10)
        connection.request('GET', '/healthz')
        assert connection.getresponse().read() == b'{"status":"ok"}\n'
        started = time.monotonic()
        site.ui.stop()
        assert time.monotonic() - started < 1.5  # its limit is 2 s
        connection.close()


def test_a_crowd_that_asks_nothing_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, 'MAX_CONNECTIONS', 4)
    with running() as site, contextlib.ExitStack() as crowd:
        for _ in range(20):
            address = ('127.0.0.1', site.ui.port)
            crowd.enter_context(socket.create_connection(address, PATIENCE_SECONDS))
        assert site.ask('/healthz').status == 200


def test_it_can_be_watched_until_the_end() -> None:
    with running() as site:
        site.harness.worker.state = 'stopping'
        answer = site.ask('/readyz')
        assert (answer.status, answer.json['reasons']) == (503, ['worker is stopping'])
        assert site.ask('/api/dashboard').json['problems'][0]['title'] == 'Not ready'
        site.harness.worker.state = 'running'


def test_a_view_that_fails_is_an_error_without_details(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running() as site:
        monkeypatch.setattr(site.harness.worker.parts.observatory, 'snapshot', lambda: 1 / 0)
        answer = site.ask('/api/sinks')
        assert (answer.status, answer.json['status']) == (500, 'internal_server_error')
        assert 'ZeroDivision' not in answer.text
        assert site.ask('/healthz').status == 200
        monkeypatch.undo()
    assert 'ZeroDivisionError' in ''.join(capsys.readouterr())


def test_names_in_paths_may_hold_anything() -> None:
    with running() as site:
        answer = site.ask('/task/%C3%A9%2F%3Cb%3E', Accept='text/html')
        assert 'é/<b>' not in answer.text
        assert 'é/&lt;b&gt;' in answer.text
