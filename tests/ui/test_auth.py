"""The token: where it is taken from, where it is not left, and who needs none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.ui.auth import Gate, local_link
from tests.ui.site import Site, running

TOKEN = 'gehéim-☃ 7'
PERCENT = 'geh%C3%A9im-%E2%98%83%207'


@pytest.fixture(scope='module')
def locked() -> Iterator[Site]:
    with running(auth_token=TOKEN) as site:
        yield site


def bearer(token: str) -> str:
    """Return a header as a client sends it: UTF-8, in the disguise that http.client needs."""
    return f'Bearer {token}'.encode().decode('latin-1')


@pytest.mark.parametrize(
    'path', ['/', '/partitions', '/api/dashboard', '/api/openapi.json', '/nothing', '/ws?topics=x']
)
def test_without_the_token_nothing_is_said(locked: Site, path: str) -> None:
    answer = locked.ask(path)
    assert answer.status == 401
    assert answer.json['status'] == 'auth_failed'
    assert answer.headers['WWW-Authenticate'] == 'Bearer realm="drakkar"'


@pytest.mark.parametrize(
    'header', ['', 'Bearer', 'Bearer ', 'Bearer wrong', 'Basic x', f'Token {PERCENT}', '\xff\xfe']
)
def test_a_wrong_header_is_refused(locked: Site, header: str) -> None:
    assert locked.ask('/api/dashboard', Authorization=header).status == 401


def test_the_probes_and_the_files_of_the_page_that_asks_are_open(locked: Site) -> None:
    assert locked.ask('/healthz').json == {'status': 'ok'}
    assert locked.ask('/readyz').json == {'status': 'ready', 'reasons': []}
    assert locked.ask('/static/css/base.css').status == 200


def test_a_bearer_may_do_all(locked: Site) -> None:
    assert locked.ask('/api/dashboard', Authorization=bearer(TOKEN)).status == 200
    assert locked.ask('/', Authorization=bearer(TOKEN)).status == 200


def test_the_api_takes_the_token_in_its_query(locked: Site) -> None:
    answer = locked.ask(f'/api/sinks?token={PERCENT}')
    assert (answer.status, answer.headers['Set-Cookie']) == (200, None)


def test_a_page_exchanges_the_token_of_its_url_for_a_cookie(locked: Site) -> None:
    answer = locked.ask(f'/partitions/1?topic=a%20b&token={PERCENT}')
    assert answer.status == 303
    assert answer.headers['Location'] == '/partitions/1?topic=a+b'
    cookie = answer.headers['Set-Cookie']
    assert 'HttpOnly' in cookie
    assert 'SameSite=Strict' in cookie
    assert 'Path=/' in cookie
    assert 'geh' not in cookie
    name_and_value = cookie.partition(';')[0]
    assert locked.ask('/', Cookie=f'other=1; {name_and_value}').status == 200
    with locked.browse(Cookie=name_and_value) as browser:
        assert browser.status == 101


def test_the_url_that_it_goes_on_to_is_never_elsewhere(locked: Site) -> None:
    answer = locked.ask(f'//evil.example/x?token={PERCENT}')
    assert answer.headers['Location'] == '/evil.example/x'


@pytest.mark.parametrize('cookie', ['', '=', 'a', '\xff', 'drakkar_ui_{name}=', 'x' * 5000])
def test_other_cookies_open_nothing(locked: Site, cookie: str) -> None:
    name = Gate(TOKEN).cookie_name
    assert locked.ask('/', Cookie=cookie.replace('drakkar_ui_{name}', name)).status == 401


@pytest.mark.parametrize(
    'other', ['a=1', 'x={"a": 1}', 'theme="dark', 'a[b]=1', 'path=/', '=x', '"', '', 'a b', 'é=é']
)
def test_cookies_of_other_programs_on_the_host_lock_nobody_out(other: str) -> None:
    gate = Gate(TOKEN)
    mine = gate.set_cookie(secure=False).partition(';')[0]
    for line in (f'{other}; {mine}', f'{mine}; {other}', f'{gate.cookie_name}=stale;{mine}'):
        assert gate.admits({'HTTP_COOKIE': line})


def test_a_browser_is_asked_for_the_token(locked: Site) -> None:
    answer = locked.ask('/sinks?a=1', Accept='text/html')
    assert answer.status == 401
    assert 'type="password"' in answer.text
    assert 'value="/sinks?a=1"' in answer.text
    assert locked.harness.config.worker_id not in answer.text


def test_signing_in(locked: Site) -> None:
    form = {'Content_Type': 'application/x-www-form-urlencoded', 'Origin': f'http://{locked.host}'}
    wrong = locked.ask('/login', 'POST', 'token=x&next=/sinks', **form)
    assert wrong.status == 401
    assert 'This is not the token.' in wrong.text
    right = locked.ask('/login', 'POST', f'token={PERCENT}&next=/sinks%3Fa', **form)
    assert (right.status, right.headers['Location']) == (303, '/sinks?a')
    assert right.headers['Set-Cookie']
    away = locked.ask('/login', 'POST', f'token={PERCENT}&next=/%5C%5Cevil.example', **form)
    assert away.headers['Location'] == '/evil.example'
    foreign = {**form, 'Origin': 'http://evil.example'}
    assert locked.ask('/login', 'POST', f'token={PERCENT}', **foreign).status == 403


def test_a_socket_needs_the_token(locked: Site) -> None:
    with locked.browse() as browser:
        assert browser.status == 401
        assert browser.body()['status'] == 'auth_failed'
    with locked.browse(Authorization=bearer(TOKEN)) as browser:
        assert browser.status == 101
    with locked.browse(f'worker&token={PERCENT}') as browser:
        assert browser.status == 101


@pytest.mark.parametrize(
    ('asked', 'link'),
    [
        ('', '/'),
        ('/sinks?a=b%20c&d', '/sinks?a=b%20c&d'),
        ('//evil.example', '/evil.example'),
        ('/\\evil.example', '/evil.example'),
        ('\t//evil.example', '/%09//evil.example'),
        ('\\\n/evil.example', '/%0A/evil.example'),
        ('http://evil.example', '/http://evil.example'),
        ('/x\r\nSet-Cookie: a=b', '/x%0D%0ASet-Cookie:%20a=b'),
        ('/é', '/%C3%A9'),
    ],
)
def test_links_stay_here(asked: str, link: str) -> None:
    assert local_link(asked) == link


def test_a_query_that_can_not_be_read_is_an_error_in_the_one_shape(locked: Site) -> None:
    query = '&'.join('a=1' for _ in range(200))
    for asked in (f'/?{query}', f'/?token=x&{query}'):
        assert locked.ask(asked).status in (400, 401)
        assert locked.ask(asked, Accept='text/html').status == 400


@given(st.text(), st.text())
def test_only_the_token_itself_matches(token: str, other: str) -> None:
    try:
        token.encode()
    except UnicodeEncodeError:
        return  # can not be configured
    assert Gate(token).matches(other) is (token == other)


def test_no_token_opens_all_and_an_empty_one_is_no_key() -> None:
    assert Gate('').open
    assert not Gate('x').admits({'HTTP_AUTHORIZATION': 'Bearer '})
    assert Gate('x').cookie_name != Gate('y').cookie_name
