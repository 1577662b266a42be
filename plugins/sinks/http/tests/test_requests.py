"""What is sent: where to, in which form, with which headers and key."""

from __future__ import annotations

import dataclasses
import datetime
import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

import drakkar.api as dk
from drakkar_sink_http import HttpOptions, HttpPayload
from drakkar_sink_http.encode import join

URL = 'https://example.org/in'


@pytest.mark.parametrize(
    ('url', 'path', 'whole'),
    [
        (URL, '', URL),
        (URL, 'a/b', URL + '/a/b'),
        (URL + '/', '/a', URL + '/a'),
        (URL, '//evil.example/x', URL + '/evil.example/x'),
        (URL, 'http://evil.example/x', URL + '/http://evil.example/x'),
        (URL, '@evil.example', URL + '/@evil.example'),
        (URL, 'a?b=1', URL + '/a?b=1'),
        (URL + '?k=1', 'a?b=2', URL + '/a?k=1&b=2'),
        (URL, 'a#b', URL + '/a%23b'),
        ('https://example.org', '@evil.example', 'https://example.org/@evil.example'),
        ('https://example.org', 'a', 'https://example.org/a'),
    ],
)
def test_a_path_is_appended(url: str, path: str, whole: str) -> None:
    assert join(url, path) == whole


@pytest.mark.parametrize(
    'path', ['..', '../x', 'a/../../x', 'a/./b', '%2e%2e/x', '..%2fx', '..\\x', '/..']
)
def test_a_path_that_leaves_the_url_is_refused(path: str) -> None:
    with pytest.raises(dk.RefusedError, match='must stay below url'):
        join(URL, path)


@given(st.text())
def test_no_path_leads_to_another_host(path: str) -> None:
    try:
        assert join(URL, path).startswith(URL)
    except dk.RefusedError:
        return


def test_a_request_is_what_the_options_say(make: Any, endpoint: Any) -> None:
    sink = make(method='PUT', headers={'Authorization': 'Bearer x', 'x-a': '1'})
    sink.deliver([HttpPayload({'n': 1}, path='b c?q=ü', headers={'X-A': '2', 'X-B': 'é'})])
    (request,) = endpoint.requests()
    assert request['method'] == 'PUT'
    assert request['path'] == '/b%20c?q=%C3%BC'
    assert request['body'] == '{"n":1}'
    headers = request['headers']
    assert headers['Content-Type'] == 'application/json'
    assert headers['Authorization'] == 'Bearer x'
    assert headers['X-A'] == '2'
    assert 'x-a' not in headers
    assert headers['User-Agent'] == 'drakkar'


def test_credentials_in_the_url_become_a_header(make: Any, endpoint: Any) -> None:
    sink = make(url=endpoint.url.replace('://', '://us%40er:pa%3Ass@'))
    sink.deliver([HttpPayload({'n': 1})])
    (request,) = endpoint.requests()
    assert request['headers']['Authorization'] == 'Basic dXNAZXI6cGE6c3M='


@pytest.mark.parametrize(
    'headers',
    [
        {'X-A': 'a\r\nX-Evil: 1'},
        {'X-A\r\nX-Evil': '1'},
        {'X-A': 'ᚠ'},
        {'Host': 'evil.example'},
        {'content-length': '1'},
        {'X-A': 1},
    ],
)
def test_headers_that_can_not_be_are_refused(make: Any, endpoint: Any, headers: Any) -> None:
    with pytest.raises(dk.PartialDeliveryError) as caught:
        make().deliver([HttpPayload(1, headers=headers), HttpPayload(2)])
    assert list(caught.value.failures) == [0]
    assert isinstance(caught.value.failures[0], dk.RefusedError)
    assert endpoint.bodies() == [2]


@dataclasses.dataclass
class Row:
    n: int


def test_a_form_has_a_field_for_each_value(make: Any, endpoint: Any) -> None:
    data = {
        'text': 'a&b=ü c',
        'number': 1.5,
        'yes': True,
        'nothing': None,
        'list': [1, None, 'x'],
        'nested': {'a': [1]},
        'day': datetime.date(2024, 2, 3),
        'id': uuid.UUID(int=5),
        'quoted': '"',
    }
    make(encoding='form').deliver([HttpPayload(data)])
    (request,) = endpoint.requests()
    assert request['headers']['Content-Type'] == 'application/x-www-form-urlencoded'
    assert request['body'].split('&') == [
        'text=a%26b%3D%C3%BC+c',
        'number=1.5',
        'yes=true',
        'list=1',
        'list=x',
        'nested=%7B%22a%22%3A%5B1%5D%7D',
        'day=2024-02-03',
        'id=00000000-0000-0000-0000-000000000005',
        'quoted=%22',
    ]


def test_a_form_needs_a_mapping(make: Any, endpoint: Any) -> None:
    with pytest.raises(dk.PartialDeliveryError) as caught:
        make(encoding='form').deliver([HttpPayload([1]), HttpPayload(Row(1))])
    assert list(caught.value.failures) == [0]
    assert [request['body'] for request in endpoint.requests()] == ['n=1']


@pytest.mark.parametrize(
    ('batch', 'kind', 'body'),
    [
        ('lines', 'application/x-ndjson', '{"n":0}\n{"n":1}\n{"n":3}\n'),
        ('array', 'application/json', '[{"n":0},{"n":1},{"n":3}]'),
    ],
)
def test_a_batch_in_one_request(make: Any, endpoint: Any, batch: str, kind: str, body: str) -> None:
    sink = make(batch=batch, concurrency='1')
    other = HttpPayload({'n': 2}, path='other')
    with pytest.raises(dk.PartialDeliveryError) as caught:
        sink.deliver(
            [HttpPayload(Row(0)), HttpPayload(Row(1)), other, HttpPayload(object()),
             HttpPayload(Row(3))]
        )  # fmt: skip
    assert list(caught.value.failures) == [3]
    one, two = endpoint.requests()
    assert (one['body'], one['headers']['Content-Type']) == (body, kind)
    assert two['path'] == '/other'


def test_a_batch_that_is_refused_is_halved_until_the_guilty_are_found(
    make: Any, endpoint: Any
) -> None:
    sink = make(batch='array')
    batch = [HttpPayload({'number': n}, path='odd') for n in (2, 4, 7, 8, 10, 12, 13, 14)]
    with pytest.raises(dk.PartialDeliveryError) as caught:
        sink.deliver(batch)
    assert sorted(caught.value.failures) == [2, 6]
    assert all(isinstance(error, dk.RefusedError) for error in caught.value.failures.values())
    assert '422' in str(caught.value.failures[2])


def test_a_whole_batch_that_may_not_is_not_halved(make: Any, endpoint: Any) -> None:
    batch = [HttpPayload({'n': n}, path='status?code=403') for n in range(8)]
    with pytest.raises(dk.PartialDeliveryError) as caught:
        make(batch='lines').deliver(batch)
    assert len(caught.value.failures) == 8
    assert len(endpoint.requests()) == 1


def keys(endpoint: Any) -> list[str]:
    return [request['headers']['Idempotency-Key'] for request in endpoint.requests()]


def test_a_key_is_the_same_for_the_same_payload_only(make: Any, endpoint: Any) -> None:
    sink = make(idempotency_key_header='Idempotency-Key', concurrency='1')
    sink.deliver([HttpPayload({'n': 1})])
    sink.deliver(
        [
            HttpPayload({'n': 1}),
            HttpPayload({'n': 2}),
            HttpPayload({'n': 1}, path='a'),
            HttpPayload({'n': 1}, headers={'x': 'y'}),
            HttpPayload({'n': 1}, key='mine'),
        ]
    )
    first, *found = keys(endpoint)
    assert found[0] == first
    assert found[4] == 'mine'
    assert len(set(found)) == 5


@pytest.mark.parametrize(
    ('options', 'idempotent'),
    [
        ({}, False),
        ({'method': 'PATCH'}, False),
        ({'method': 'PUT'}, True),
        ({'method': 'DELETE'}, True),
        ({'idempotency_key_header': 'X-Key'}, True),
    ],
)
def test_when_it_is_idempotent(make: Any, options: dict[str, str], idempotent: bool) -> None:
    assert make(**options).idempotent is idempotent


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        ({'url': 'ftp://example.org'}, 'http://'),
        ({'url': 'http://169.254.169.254/x'}, 'metadata'),
        ({'url': 'http://metadata.google.internal'}, 'metadata'),
        ({'batch': 'lines', 'encoding': 'form'}, 'encoding'),
        ({'batch': 'array', 'idempotency_key_header': 'X'}, 'idempotency_key_header'),
        ({'headers': {'host': 'x'}}, 'host'),
        ({'method': 'GET'}, 'POST'),
    ],
)
def test_options_that_can_not_be(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        HttpOptions().load({'url': URL, **options})


def test_secret_headers_are_never_shown() -> None:
    secret = {'Authorization': 's3cret', 'X-Api-Key': 's3cret', 'Cookie': 's3cret'}
    options = HttpOptions().load(
        {'url': 'https://u:s3cret@x.org', 'headers': {**secret, 'X-Team': 'blue'}}
    )
    assert 's3cret' not in repr(options)
    assert 'blue' in repr(options)
    described = json.dumps(HttpPayload(1, headers={**secret, 'X-Team': 'blue'}).describe())
    assert 's3cret' not in described
    assert 'blue' in described
