"""Where requests never go."""

from __future__ import annotations

import datetime
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import drakkar.api as dk
from drakkar_sink_http import HttpPayload
from drakkar_sink_http.guard import forbidden_host


@pytest.mark.parametrize(
    'host',
    [
        '169.254.169.254',
        '169.254.170.2',
        'fd00:ec2::254',
        '[fd00:ec2::254]',
        '::ffff:169.254.169.254',
        '::ffff:a9fe:a9fe',
        '64:ff9b::a9fe:a9fe',
        '2002:a9fe:a9fe::1',
        'fd20:ce::254',
        '100.100.100.200',
        '2852039166',
        '0xa9fea9fe',
        '0xa9.254.43518',
        'metadata.google.internal',
        'Metadata.Google.Internal.',
    ],
)
def test_a_metadata_service_in_any_notation(host: str) -> None:
    assert forbidden_host(host)


@pytest.mark.parametrize(
    'host',
    ['127.0.0.1', '10.0.0.1', '::1', 'example.org', 'fd00:ec3::1', '169.253.0.1', '', 'x' * 99],
)
def test_all_else_is_allowed(host: str) -> None:
    assert not forbidden_host(host)


def resolving(name: str, *addresses: str) -> Any:
    """Return a getaddrinfo in which `name` has these addresses."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host != name:
            return real(host, port, *args, **kwargs)
        return [item for a in addresses for item in real(a, port, *args, **kwargs)]

    return getaddrinfo


@pytest.mark.parametrize('addresses', [['169.254.169.254'], ['127.0.0.1', '169.254.169.254']])
def test_a_name_that_resolves_to_one(
    make: Any, endpoint: Any, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    sink = make()
    sink.options.url = f'http://inner.example:{endpoint.port}'
    sink = type(sink)('hook', sink.options)
    monkeypatch.setattr(socket, 'getaddrinfo', resolving('inner.example', *addresses))
    with pytest.raises(dk.RefusedError, match=r'inner\.example is a cloud metadata service'):
        sink.connect()
    with pytest.raises(dk.RefusedError, match=r'inner\.example is a cloud metadata service'):
        sink.deliver([HttpPayload(1)])
    sink.close()
    assert endpoint.requests() == []


def test_an_address_that_does_not_answer_is_passed_over(
    make: Any, endpoint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, 'getaddrinfo', resolving('two.example', '127.0.0.9', '127.0.0.1'))
    make(url=f'http://two.example:{endpoint.port}').deliver([HttpPayload(1)])
    assert endpoint.bodies() == [1]


def test_a_name_that_is_unknown_is_not_reached(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, 'Name or service not known')

    monkeypatch.setattr(socket, 'getaddrinfo', getaddrinfo)
    with pytest.raises(dk.TransientSinkError, match='not reached: gaierror'):
        make(url='http://nowhere.example')


def redirect(code: int, to: str, **extra: Any) -> HttpPayload:
    return HttpPayload({'n': 1}, path=f'redirect?code={code}&to={to}', **extra)


def test_a_redirect_is_not_followed_unless_asked(make: Any, endpoint: Any) -> None:
    with pytest.raises(dk.RefusedError, match=r'307 .*not followed'):
        make().deliver([redirect(307, '/elsewhere')])
    assert len(endpoint.requests()) == 1


@pytest.mark.parametrize('code', [307, 308])
def test_a_redirect_takes_the_whole_request_along(make: Any, endpoint: Any, code: int) -> None:
    sink = make(follow_redirects='true', headers={'X-Token': 'a'})
    sink.deliver([redirect(code, '/elsewhere')])
    _, request = endpoint.requests()
    assert (request['method'], request['path']) == ('POST', '/elsewhere')
    assert request['body'] == '{"n":1}'
    assert request['headers']['X-Token'] == 'a'


@pytest.mark.parametrize('code', [301, 302, 303])
def test_a_redirect_that_would_lose_the_body_is_refused(
    make: Any, endpoint: Any, code: int
) -> None:
    with pytest.raises(dk.RefusedError, match=str(code)):
        make(follow_redirects='true').deliver([redirect(code, '/elsewhere')])
    assert len(endpoint.requests()) == 1


def test_another_host_gets_no_headers_of_ours(make: Any, endpoint: Any) -> None:
    sink = make(follow_redirects='true', headers={'X-Token': 'a', 'Authorization': 'b'})
    payload = redirect(307, f'http://localhost:{endpoint.port}/there', headers={'X-C': 'c'})
    sink.deliver([payload])
    _, request = endpoint.requests()
    assert request['body'] == '{"n":1}'
    assert request['headers'].keys().isdisjoint({'X-Token', 'Authorization', 'X-C'})


@pytest.mark.parametrize(
    'to',
    [
        'http://169.254.169.254/latest',
        'http://[fd00:ec2::254]/',
        'http://metadata.google.internal/',
    ],
)
def test_a_redirect_to_a_metadata_service_is_refused(make: Any, endpoint: Any, to: str) -> None:
    with pytest.raises(dk.RefusedError, match='cloud metadata service'):
        make(follow_redirects='true').deliver([redirect(307, to)])


@pytest.mark.parametrize('to', ['file:///etc/passwd', 'gopher://x/'])
def test_a_redirect_to_another_scheme_is_no_delivery(make: Any, endpoint: Any, to: str) -> None:
    with pytest.raises(dk.SinkError):
        make(follow_redirects='true').deliver([redirect(307, to)])


def test_redirects_in_a_circle_end(make: Any, endpoint: Any) -> None:
    circle = HttpPayload(1, path='redirect?code=307&to=/redirect%3Fcode%3D307%26to%3D/redirect')
    sink = make(follow_redirects='true')
    sink._client._session.max_redirects = 1
    with pytest.raises(dk.RefusedError, match='in a circle'):
        sink.deliver([circle])


@pytest.fixture(scope='module')
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    folder = tmp_path_factory.mktemp('tls')
    command = ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=test']
    command += ['-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
    command += ['-keyout', str(folder / 'key'), '-out', str(folder / 'crt')]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip('openssl is not installed')
    return folder / 'crt', folder / 'key'


@pytest.fixture(scope='module')
def tls(_endpoint: Any, certificate: tuple[Path, Path]) -> Iterator[Any]:
    server = type(_endpoint)('0', *map(str, certificate))
    yield server
    server.close()


def test_an_unknown_certificate_is_not_trusted(make: Any, tls: Any) -> None:
    with pytest.raises(dk.TransientSinkError, match='CERTIFICATE_VERIFY_FAILED'):
        make(url=f'https://127.0.0.1:{tls.port}')


def test_nor_is_one_for_another_name(make: Any, tls: Any, certificate: tuple[Path, Path]) -> None:
    with pytest.raises(dk.TransientSinkError, match='mismatch'):
        make(url=f'https://localhost:{tls.port}', ca_file=str(certificate[0]))


@pytest.mark.parametrize('verify', [True, False])
def test_a_certificate_of_our_own_authority(
    make: Any, tls: Any, certificate: tuple[Path, Path], verify: bool
) -> None:
    how = {'ca_file': str(certificate[0])} if verify else {'verify_tls': 'false'}
    sink = make(url=f'https://127.0.0.1:{tls.port}', **how)
    sink.deliver([HttpPayload({'n': n}) for n in range(20)])


def test_the_environment_has_no_say(
    make: Any, endpoint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ('http_proxy', 'HTTP_PROXY', 'all_proxy'):
        monkeypatch.setenv(name, 'http://127.0.0.1:1')
    make().deliver([HttpPayload(datetime.date(2024, 1, 2))])
    assert endpoint.bodies() == ['2024-01-02']
