"""What the server does wrong, and what becomes of the payloads then."""

from __future__ import annotations

import email.utils
import time
from typing import Any

import gevent
import pytest

import drakkar.api as dk
from drakkar.delivery.attempt import Attempt
from drakkar_sink_http import HttpPayload
from drakkar_sink_http.answer import BODY_BYTES, UnansweredError, retry_after


def ask(path: str, number: int = 0) -> HttpPayload:
    return HttpPayload({'number': number}, path=path)


def test_only_what_failed_is_told(make: Any, endpoint: Any, failures: Any) -> None:
    failed = failures(
        make(max_retries='0'),
        ask('a'),
        ask('status?code=500&text=out+of+order'),
        ask('b'),
        ask('status?code=400&text=no+such+field'),
    )
    assert {i: type(e) for i, e in failed.items()} == {
        1: dk.TransientSinkError,
        3: failed[3].__class__,
    }
    assert isinstance(failed[3], dk.RefusedError)
    assert str(failed[1]) == '500 Internal Server Error: out of order'
    assert str(failed[3]) == '400 Bad Request: no such field'
    assert len(endpoint.requests()) == 4


@pytest.mark.parametrize('code', [408, 425, 429, 500, 502, 503, 504])
def test_a_status_that_may_pass(make: Any, failures: Any, code: int) -> None:
    failed = failures(make(max_retries='0'), ask(f'status?code={code}'))
    assert isinstance(failed[0], dk.TransientSinkError)


@pytest.mark.parametrize('code', [400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 301, 304])
def test_a_status_that_stays(make: Any, endpoint: Any, failures: Any, code: int) -> None:
    failed = failures(make(), ask(f'status?code={code}'))
    assert isinstance(failed[0], dk.RefusedError)
    assert len(endpoint.requests()) == 1


@pytest.mark.parametrize('code', [200, 201, 202, 204, 206])
def test_a_status_that_is_fine(make: Any, failures: Any, code: int) -> None:
    assert failures(make(), ask(f'status?code={code}')) == {}


def test_of_a_long_refusal_the_beginning_is_told(make: Any, failures: Any) -> None:
    failed = failures(make(), ask('status?code=400&text=' + 'x' * 5000))
    assert len(str(failed[0])) < 400


@pytest.mark.parametrize('code', [408, 425, 429, 503])
def test_what_was_not_processed_is_sent_again(
    make: Any, endpoint: Any, failures: Any, code: int
) -> None:
    sink = make(max_retries='2')
    assert failures(sink, ask(f'status?code={code}&times=2')) == {}
    assert len(endpoint.requests()) == 3


def test_and_not_for_ever(make: Any, endpoint: Any, failures: Any) -> None:
    failed = failures(make(max_retries='2'), ask('status?code=503'))
    assert isinstance(failed[0], dk.TransientSinkError)
    assert len(endpoint.requests()) == 3


@pytest.mark.parametrize('fault', ['status?code=500', 'reset', 'cut', 'garbage'])
def test_what_may_have_been_processed_is_not_sent_again_by_the_sink(
    make: Any, endpoint: Any, failures: Any, fault: str
) -> None:
    failed = failures(make(), ask(fault))
    assert isinstance(failed[0], dk.TransientSinkError)
    assert len(endpoint.requests()) == 1


def test_but_by_delivery_where_a_key_makes_that_safe(make: Any, endpoint: Any) -> None:
    sink = make(idempotency_key_header='X-Key')
    assert Attempt(sink, 10, lambda _: None).run([ask('status?code=500&times=2')], 1) == {}
    assert len({request['headers']['X-Key'] for request in endpoint.requests()}) == 1
    assert len(endpoint.requests()) == 3


def test_the_next_request_is_held_back_as_the_server_asks(
    make: Any, endpoint: Any, failures: Any
) -> None:
    sink = make(concurrency='1', max_retries='1')
    before = time.monotonic()
    assert failures(sink, ask('status?code=429&after=1&times=1'), ask('fine')) == {}
    assert time.monotonic() - before >= 1
    assert [request['path'] for request in endpoint.requests()][-1] == '/fine'


def test_a_wait_that_is_too_long_is_not_waited(make: Any, endpoint: Any, failures: Any) -> None:
    sink = make(concurrency='1', timeout_seconds='5')
    failed = failures(sink, ask('status?code=503&after=60'), ask('next'))
    assert list(failed) == [0, 1]
    assert 'come again in 60 seconds' in str(failed[1])
    assert len(endpoint.requests()) == 1


def test_retry_after_may_be_a_date() -> None:
    now = 1_700_000_000.0
    assert retry_after(email.utils.formatdate(now + 90, usegmt=True), now) == 90
    assert retry_after(email.utils.formatdate(now - 90, usegmt=True), now) == 0
    assert retry_after(' 7 ', now) == 7
    assert retry_after('soon', now) == 0


def test_no_answer_in_time(make: Any, endpoint: Any, failures: Any) -> None:
    sink = make(timeout_seconds='0.5')
    failed = failures(sink, ask('delay?seconds=1.5'))
    assert isinstance(failed[0], UnansweredError)
    assert str(failed[0]) == 'no answer within 0.5 seconds'
    # The late answer belongs to nobody: the next request has a connection of its own.
    failed = failures(sink, ask('status?code=418'))
    assert str(failed[0]).startswith('418 ')
    one, two = endpoint.requests()
    assert one['client'] != two['client']


@pytest.mark.parametrize('size', ['1', '20000'])
def test_an_answer_without_an_end(make: Any, failures: Any, size: str) -> None:
    sink = make(timeout_seconds='1')
    failed = failures(sink, ask(f'drip?size={size}'))
    if int(size) * 10 > BODY_BYTES:
        assert failed == {}  # 2xx, and nobody wants to know the rest
    else:
        assert isinstance(failed[0], UnansweredError)
    assert failures(sink, ask('fine')) == {}


def test_one_slow_request_does_not_hold_the_others_up(
    make: Any, endpoint: Any, failures: Any
) -> None:
    sink = make(timeout_seconds='1.5', concurrency='4')
    batch = [ask('delay?seconds=6'), *[ask('fine', n) for n in range(50)]]
    assert list(failures(sink, *batch)) == [0]


def test_what_was_answered_before_the_delivery_timed_out_is_delivered(
    make: Any, endpoint: Any
) -> None:
    sink = make(concurrency='2')
    batch = [ask('delay?seconds=9'), *[ask('fine', n) for n in range(20)], ask('delay?seconds=9')]
    failed = Attempt(sink, 2, lambda _: None).run(batch, 1)
    assert list(failed) == [0, 21]
    assert all(isinstance(error, dk.TransientSinkError) for error in failed.values())
    assert len(endpoint.requests()) == 22


@pytest.mark.parametrize('concurrency', ['1', '3'])
def test_every_connection_is_given_back_whatever_happens(
    make: Any, endpoint: Any, failures: Any, concurrency: str
) -> None:
    sink = make(concurrency=concurrency, timeout_seconds='0.5', max_retries='0')
    faults = ['reset', 'cut', 'garbage', 'hangup', 'delay?seconds=1.5', 'status?code=500', 'drip']
    for fault in faults:
        failures(sink, *[ask(fault, n) for n in range(4)])
    for number in range(20):
        lost = gevent.spawn(sink.deliver, [ask('fine', n) for n in range(10)])
        gevent.sleep(number / 2000)
        lost.kill()
    batch = [ask('fine', 1000 + n) for n in range(20)]
    with gevent.Timeout(5):
        assert failures(sink, *batch) == {}


def test_a_connection_that_the_server_closed_while_idle_is_no_failure(
    make: Any, endpoint: Any, failures: Any
) -> None:
    sink = make(concurrency='1')
    for number in range(3):
        assert failures(sink, ask('hangup', number)) == {}
    assert len({request['client'] for request in endpoint.requests()}) == 3


def test_a_connection_is_used_again(make: Any, endpoint: Any, failures: Any) -> None:
    sink = make(concurrency='2')
    assert failures(sink, *[ask('fine', n) for n in range(20)]) == {}
    failures(sink, ask('status?code=500'), ask('status?code=404'), ask('status?code=204'))
    assert len({request['client'] for request in endpoint.requests()}) <= 2


def test_no_more_requests_at_once_than_asked_for(make: Any, endpoint: Any, failures: Any) -> None:
    fresh = type(endpoint)()  # nothing of an earlier test is still under way there
    sink = make(url=fresh.url, concurrency='5')
    assert failures(sink, *[ask('delay?seconds=0.02', n) for n in range(30)]) == {}
    most = fresh.seen()['most_at_once']
    fresh.close()
    assert most == 5


def test_a_server_that_is_away_is_found_out_soon(make: Any, failures: Any) -> None:
    sink = make(timeout_seconds='1', max_retries='1')
    sink.options.url = 'http://127.0.0.1:1'
    sink = type(sink)('hook', sink.options)
    with pytest.raises(dk.TransientSinkError, match='not reached: ConnectionRefusedError'):
        sink.connect()
    batch = [ask('', n) for n in range(500)]
    with gevent.Timeout(5):
        failed = failures(sink, *batch)
    sink.close()
    assert len(failed) == 500
    assert all(isinstance(error, dk.NotWrittenError) for error in failed.values())


def test_a_server_that_does_not_answer_is_found_out_soon(
    make: Any, endpoint: Any, failures: Any
) -> None:
    sink = make(timeout_seconds='0.3', concurrency='1')
    failed = failures(sink, *[ask('delay?seconds=1.5', n) for n in range(30)])
    assert len(failed) == 30
    assert len(endpoint.requests()) == 3


def test_a_server_that_comes_back_is_used(make: Any, endpoint: Any, failures: Any) -> None:
    other = type(endpoint)()
    sink = make(url=other.url, timeout_seconds='1', max_retries='0')
    assert failures(sink, ask('fine')) == {}
    other.close()
    assert list(failures(sink, ask('fine'))) == [0]
    again = type(endpoint)(str(other.port))
    assert failures(sink, ask('fine')) == {}
    again.close()


def test_a_request_that_was_never_made_is_repeated_by_delivery(make: Any, endpoint: Any) -> None:
    servers = [type(endpoint)()]
    sink = make(url=servers[0].url, max_retries='0', concurrency='1')
    servers[0].close()

    def come_back(_: int) -> None:
        servers.append(type(endpoint)(str(servers[0].port)))

    try:
        assert Attempt(sink, 10, come_back).run([ask('', n) for n in range(5)], 1) == {}
        assert [body['number'] for body in servers[-1].bodies()] == list(range(5))
    finally:
        servers[-1].close()


def test_after_requests_without_an_answer_the_rest_is_known_not_to_be_sent(
    make: Any, endpoint: Any, failures: Any
) -> None:
    sink = make(timeout_seconds='0.3', concurrency='1')
    failed = failures(sink, *[ask('delay?seconds=1.5', n) for n in range(6)])
    kinds = [UnansweredError] * 3 + [dk.NotWrittenError] * 3
    assert [type(failed[n]) for n in range(6)] == kinds


def test_an_error_does_not_tell_what_is_in_the_url(make: Any, failures: Any) -> None:
    sink = make(max_retries='0')
    sink.options.url += '/hook?token=s3cret'
    sink = type(sink)('hook', sink.options)
    sink.connect()
    failed = failures(sink, ask('reset'))
    sink.close()
    assert 's3cret' not in str(failed[0])
    assert str(failed[0]).startswith('no whole answer: ')
