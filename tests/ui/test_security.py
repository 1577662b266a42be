"""What may not come in: other sites, foreign names, too much, too slowly."""

from __future__ import annotations

import pytest
from gevent import socket

from drakkar import bounded as limits
from drakkar.ui.request import MAX_BODY_BYTES
from tests.ui.site import Site, running


@pytest.mark.parametrize('path', ['/', '/api/dashboard', '/static/js/main.js', '/healthz'])
def test_a_name_that_points_here_by_dns_is_refused(site: Site, path: str) -> None:
    answer = site.ask(path, Host='evil.example')
    assert (answer.status, answer.json['status']) == (421, 'misdirected_request')


def test_the_page_for_a_foreign_name_says_nothing_of_the_worker(site: Site) -> None:
    answer = site.ask('/', Host='evil.example', Accept='text/html')
    assert answer.status == 421
    assert site.harness.config.worker_id not in answer.text.replace('auth_token', '')


def test_where_it_is_bound_to_all_addresses_names_do_not_matter() -> None:
    with running(host='0.0.0.0') as site:
        assert site.ask('/healthz', Host='worker-1.example').status == 200


@pytest.mark.parametrize(
    ('headers', 'status'),
    [
        ({}, 415),
        ({'Content_Type': 'text/plain'}, 415),
        ({'Content_Type': 'application/x-www-form-urlencoded'}, 415),
        ({'Content_Type': 'application/json', 'Origin': 'http://evil.example'}, 403),
        ({'Content_Type': 'application/json', 'Origin': 'null'}, 403),
        ({'Content_Type': 'application/json', 'Sec_Fetch_Site': 'cross-site'}, 403),
        ({'Content_Type': 'application/json', 'Sec_Fetch_Site': 'same-site'}, 403),
        ({'Content_Type': 'application/json', 'Sec_Fetch_Site': 'same-origin'}, 405),
        ({'Content_Type': 'application/json; charset=utf-8'}, 405),
    ],
)
def test_another_site_can_not_post(site: Site, headers: dict[str, str], status: int) -> None:
    assert site.ask('/api/dashboard', 'POST', '{}', **headers).status == status


def test_a_body_that_is_too_long_is_refused_unread(site: Site) -> None:
    length = str(MAX_BODY_BYTES + 1)
    head = f'POST /api/x HTTP/1.1\r\nHost: {site.host}\r\nContent-Type: application/json\r\n'
    answer = site.raw(f'{head}Content-Length: {length}\r\nConnection: close\r\n\r\n'.encode())
    assert answer.startswith(b'HTTP/1.1 413 ')


@pytest.mark.parametrize('length', ['x', '-1', '1e3', '²'])
def test_a_length_that_is_no_number_is_refused(site: Site, length: str) -> None:
    head = f'POST /api/x HTTP/1.1\r\nHost: {site.host}\r\nContent-Length: {length}\r\n\r\n'
    assert site.raw(head.encode()).startswith(b'HTTP/1.1 400 ')


def test_a_head_has_limits(site: Site) -> None:
    start = f'GET / HTTP/1.1\r\nHost: {site.host}\r\nConnection: close\r\n'
    assert site.raw(f'{start}\r\n'.encode()).startswith(b'HTTP/1.1 200 ')
    long_one = f'{start}X: {"x" * limits.MAX_HEAD_BYTES}\r\n\r\n'
    assert site.raw(long_one.encode()).startswith(b'HTTP/1.1 400 ')
    many = start + ''.join(f'X{n}: x\r\n' for n in range(300))
    assert site.raw(f'{many}\r\n'.encode()).startswith(b'HTTP/1.1 400 ')
    line = f'GET /{"x" * 9000} HTTP/1.1\r\nHost: {site.host}\r\n\r\n'
    assert site.raw(line.encode()).startswith(b'HTTP/1.1 414 ')


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, 'HEAD_SECONDS', 0.2)
    monkeypatch.setattr(limits, 'IDLE_SECONDS', 0.2)


@pytest.mark.usefixtures('hasty')
def test_who_says_nothing_or_says_it_slowly_is_left(site: Site) -> None:
    assert site.raw(b'') == b''
    with socket.create_connection(('127.0.0.1', site.ui.port), 10) as connection:
        connection.sendall(f'GET / HTTP/1.1\r\nHost: {site.host}\r\n'.encode())
        answer = b''
        for _ in range(100):  # a byte now and then keeps any timeout of the socket away
            try:
                connection.sendall(b'x')
                connection.settimeout(0.05)
                answer += connection.recv(100) or b'closed'
                break
            except TimeoutError:
                continue
            except OSError:
                answer = b'closed'
                break
        assert answer
    assert site.ask('/healthz').status == 200


def test_the_metrics_port_has_the_probes_where_the_ui_is_off() -> None:
    from drakkar.testing.harness import WorkerHarness
    from drakkar.ui.wiring import add_ui
    from tests.ui.site import Echo

    metrics = {'enabled': True, 'host': '127.0.0.1', 'port': 0}
    config = {
        'metrics': metrics,
        'debug': {'enabled': False},
        'executor': {'binary_path': '/bin/sh'},
    }
    harness = WorkerHarness(Echo, config=config)
    assert add_ui(harness.worker) is None
    with harness:
        (service,) = harness.worker.parts.services
        exporter = Site.__new__(Site)
        exporter.ui = service  # type: ignore[assignment]
        assert exporter.ask('/healthz').json == {'status': 'ok'}
        assert exporter.ask('/readyz').json == {'status': 'ready', 'reasons': []}
