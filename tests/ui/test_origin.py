import pytest

from drakkar.listening import is_loopback
from drakkar.ui.origin import Origins

LOCAL = Origins(
    '127.0.0.1', ['https://ops.example.org/drakkar', '', 'https://debug.example.org:8443']
)
OPEN = Origins('0.0.0.0', [])


@pytest.mark.parametrize(
    'host', ['127.0.0.1', '127.8.8.8', '::1', '[::1]', 'localhost', 'LOCALHOST', 'localhost.']
)
def test_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize('host', ['0.0.0.0', '10.0.0.1', 'localhost.evil.example', '', '::', 'x'])
def test_not_loopback(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    'header', ['localhost:8080', '127.0.0.1', '[::1]:8080', 'ops.example.org', '10.1.2.3:8080']
)
def test_known_hosts(header):
    assert LOCAL.knows_host(header)


@pytest.mark.parametrize(
    'header',
    [
        '',
        'evil.example',
        'localhost.evil.example:8080',
        'localhost@evil.example',
        '[',
        'a b',
        ':80',
    ],
)
def test_a_name_that_somebody_lets_point_here_is_not_known(header):
    assert not LOCAL.knows_host(header)


def test_where_others_reach_it_any_name_will_do():
    assert OPEN.knows_host('worker-1.cluster.example:8080')


@pytest.mark.parametrize(
    ('origin', 'host'),
    [
        ('http://localhost:8080', 'localhost:8080'),
        ('http://LOCALHOST:8080', 'localhost:8080'),
        ('http://localhost', 'localhost:80'),
        ('https://localhost', 'localhost'),
        ('http://[::1]:8080', '[::1]:8080'),
        ('https://ops.example.org', 'localhost:8080'),
        ('https://debug.example.org:8443', 'localhost:8080'),
        ('', 'localhost:8080'),
    ],
)
def test_own_and_allowed_origins(origin, host):
    assert LOCAL.allows(origin, host)


@pytest.mark.parametrize(
    'origin',
    [
        'null',
        'http://evil.example',
        'http://localhost:8081',
        'http://localhost',
        'http://ops.example.org',
        'https://ops.example.org:8443',
        'https://ops.example.org.evil.example',
        'file://',
        'http://',
        'http://[',
        'http://localhost:8080x',
        'http://localhost:99999',
    ],
)
def test_other_origins(origin):
    assert not LOCAL.allows(origin, 'localhost:8080')
