import gzip
import json
import os
import socket
from http.client import HTTPConnection

import gevent
import pytest
from gevent.server import StreamServer
from prometheus_client import REGISTRY, CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from drakkar.errors import ConfigError
from drakkar.metrics import MetricsExporter, MetricsObserver
from drakkar.metrics import exporter as exporter_module


@pytest.fixture
def registry():
    registry = CollectorRegistry()
    MetricsObserver(registry, {'worker_id': 'w1'})
    return registry


@pytest.fixture
def reasons():
    return []


@pytest.fixture
def exporter(registry, reasons):
    exporter = MetricsExporter(registry, lambda: reasons, port=0)
    exporter.start()
    yield exporter
    exporter.stop()


def fetch(exporter, path, method='GET', **headers):
    connection = HTTPConnection('127.0.0.1', exporter.port, timeout=5)
    try:
        connection.request(
            method, path, headers={k.replace('_', '-'): v for k, v in headers.items()}
        )
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_the_worker_and_the_process_are_exported(exporter):
    response, body = fetch(exporter, '/metrics')
    families = {f.name: f for f in parse_text(body.decode())}
    assert response.status == 200
    assert response.headers['Content-Type'].startswith('text/plain; version=0.0.4')
    assert families['drakkar_worker_info'].samples[0].labels == {'worker_id': 'w1'}
    assert 'process_resident_memory_bytes' in families


def test_the_metrics_of_a_handler_author_are_exported(exporter):
    counter = Counter('author_things', 'Counted by a handler.')
    try:
        counter.inc(3)
        _, body = fetch(exporter, '/metrics')
        assert b'\nauthor_things_total 3.0\n' in body
        assert b'_created' not in body
    finally:
        REGISTRY.unregister(counter)


def test_a_name_that_both_registries_have_is_exported_once(exporter):
    counter = Counter('drakkar_dlq_messages', 'The same name as one of the worker.')
    try:
        _, body = fetch(exporter, '/metrics')
        assert body.count(b'# TYPE drakkar_dlq_messages_total ') == 1
        assert b'# HELP drakkar_dlq_messages_total Messages that are safe' in body
    finally:
        REGISTRY.unregister(counter)


def test_openmetrics_is_served_to_who_asks_for_it(exporter):
    accept = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5'
    response, body = fetch(exporter, '/metrics', Accept=accept)
    assert response.headers['Content-Type'].startswith('application/openmetrics-text')
    assert 'drakkar_executor_tasks' in {f.name for f in parse_openmetrics(body.decode())}


def test_a_large_answer_is_compressed_for_who_takes_it(exporter):
    big = Counter('author_big', 'Many series.', ['number'])
    try:
        for number in range(500):
            big.labels(str(number)).inc()
        response, body = fetch(exporter, '/metrics', Accept_Encoding='gzip')
        assert response.headers['Content-Encoding'] == 'gzip'
        assert b'author_big_total{number="499"} 1.0' in gzip.decompress(body)
    finally:
        REGISTRY.unregister(big)


def test_health_says_that_the_process_answers(exporter, reasons):
    reasons.append('draining')
    response, body = fetch(exporter, '/healthz')
    assert (response.status, json.loads(body)) == (200, {'status': 'ok'})


def test_readiness_gives_its_reasons(exporter, reasons):
    response, body = fetch(exporter, '/readyz')
    assert (response.status, json.loads(body)) == (200, {'status': 'ready', 'reasons': []})
    reasons.extend(['sink http.hook is not reachable', 'requests:3 stalls'])
    response, body = fetch(exporter, '/readyz')
    assert response.status == 503
    assert json.loads(body) == {'status': 'not_ready', 'reasons': reasons}


@pytest.mark.parametrize(
    ('method', 'path', 'code', 'status'),
    [
        ('GET', '/', 404, 'not_found'),
        ('GET', '/metricsx', 404, 'not_found'),
        ('POST', '/metrics', 405, 'method_not_allowed'),
    ],
)
def test_what_is_not_served_is_a_json_error(exporter, method, path, code, status):
    response, body = fetch(exporter, path, method)
    assert response.status == code
    assert response.headers['Content-Type'] == 'application/json'
    error = json.loads(body)
    assert error['status'] == status
    assert set(error) == {'status', 'error', 'hint'}


def test_head_has_the_headers_only(exporter):
    response, body = fetch(exporter, '/healthz', 'HEAD')
    assert (response.status, body) == (200, b'')
    assert response.headers['Content-Length'] == '16'


def test_a_failing_page_is_a_json_error_and_logged(registry, capsys):
    def broken():
        raise RuntimeError('no state')

    exporter = MetricsExporter(registry, broken, port=0)
    exporter.start()
    try:
        response, body = fetch(exporter, '/readyz')
        assert response.status == 500
        assert b'no state' not in body
        assert fetch(exporter, '/healthz')[0].status == 200
    finally:
        exporter.stop()
    assert 'no state' in ''.join(capsys.readouterr())


def test_requests_are_not_logged(capfd, exporter):
    fetch(exporter, '/metrics')
    fetch(exporter, '/nothing')
    exporter.stop()  # a line would be written after the answer
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize('host', ['127.0.0.1', 'localhost', '0.0.0.0', '::1'])
def test_port_0_takes_a_free_one(registry, host):
    if host == '::1' and not os.path.exists('/proc/net/if_inet6'):
        pytest.skip('this machine has no IPv6')
    exporter = MetricsExporter(registry, list, host=host, port=0)
    assert exporter.port == 0
    exporter.bind()
    try:
        assert exporter.port > 0
    finally:
        exporter.stop()


def test_a_busy_port_is_a_configuration_error_before_anything_starts(registry):
    other = StreamServer(('127.0.0.1', 0), lambda *_: None)
    other.start()
    try:
        exporter = MetricsExporter(registry, list, port=other.server_port)
        with pytest.raises(ConfigError) as caught:
            exporter.bind()
    finally:
        other.stop()
    assert str(caught.value) == (
        f'[metrics] port = {other.server_port}: 127.0.0.1:{other.server_port} '
        'is in use; choose a free port, or 0 for any free one'
    )


def test_two_exporters_that_only_bound_collide_too(registry):
    first = MetricsExporter(registry, list, port=0)
    first.bind()
    try:
        with pytest.raises(ConfigError, match=r'^\[metrics\] port = '):
            MetricsExporter(registry, list, port=first.port).bind()
    finally:
        first.stop()


@pytest.mark.parametrize(
    ('host', 'words'),
    [('192.0.2.1', 'is not an address of this machine'), ('no.such.host.invalid', 'is not known')],
)
def test_a_wrong_host_is_a_configuration_error(registry, host, words):
    with pytest.raises(ConfigError, match=rf'^\[metrics\] host = {host}: .*{words}'):
        MetricsExporter(registry, list, host=host, port=0).bind()


def test_stopping_frees_the_port_and_may_be_repeated(registry):
    exporter = MetricsExporter(registry, list, port=0)
    exporter.start()
    port = exporter.port
    exporter.stop()
    exporter.stop()
    again = MetricsExporter(registry, list, port=port)
    again.bind()
    again.stop()


def test_stopping_lets_a_request_under_way_end(registry):
    entered, may_answer = gevent.event.Event(), gevent.event.Event()

    def reasons():
        entered.set()
        may_answer.wait()
        return []

    exporter = MetricsExporter(registry, reasons, port=0)
    exporter.start()
    request = gevent.spawn(fetch, exporter, '/readyz')
    assert entered.wait(5)
    stop = gevent.spawn(exporter.stop)
    gevent.idle()
    assert not stop.ready()
    may_answer.set()
    assert request.get(timeout=5)[0].status == 200
    stop.get(timeout=5)


def test_idle_connections_do_not_keep_a_stop_waiting_for_long(exporter, monkeypatch):
    monkeypatch.setattr(exporter_module, '_STOP_TIMEOUT', 0.1)
    with socket.create_connection(('127.0.0.1', exporter.port)):
        fetch(exporter, '/healthz')  # answered after the idle one was accepted
        with gevent.Timeout(5):
            exporter.stop()


def test_a_client_that_says_nothing_is_cut_off(exporter, monkeypatch):
    monkeypatch.setattr(exporter_module, '_CLIENT_TIMEOUT', 0.1)
    exporter.stop()
    exporter.start()
    with socket.create_connection(('127.0.0.1', exporter.port), timeout=5) as client:
        client.sendall(b'GET /metr')
        assert client.recv(100) == b''


def test_a_body_that_nobody_wants_is_not_read_to_its_end(exporter):
    head = b'POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
    chunk = b'10000\r\n' + b'x' * 65536 + b'\r\n'
    with socket.create_connection(('127.0.0.1', exporter.port), 10) as connection:
        connection.sendall(head)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            connection.sendall(chunk * 1000)
