import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar import redact

words = st.text(st.characters(categories=('L', 'N')), min_size=1, max_size=12)
plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=15,
)


@pytest.mark.parametrize(
    'name',
    [
        'DK_WEBAPP__ENABLED',
        'PGPASSWORD',
        'sasl_plain_password',
        'MY_PASSWD_FILE',
        'client_secret',
        'auth_token',
        'Api_Key',
        'api-key',
        '--password',
        'MAIN_DSN',
        'AWS_CREDENTIALS',
    ],
)
def test_names_that_look_secret(name):
    assert redact.is_secret_name(name)


@pytest.mark.parametrize('name', ['PATH', 'key', 'partition', 'monkey', 'dsn_name', 'KEYBOARD', ''])
def test_names_that_do_not(name):
    assert not redact.is_secret_name(name)


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('postgresql://drakkar:hunter2@localhost:5432/db', 'postgresql://localhost:5432/db'),
        ('redis://:hunter2@cache/0', 'redis://cache/0'),
        ('at http://a:b@h/x and http://c:d@i/y', 'at http://h/x and http://i/y'),
        ('mongodb://u:p@ss/w:rd@h', 'mongodb://h'),
        ('http://host:8080/path@v1', 'http://host:8080/path@v1'),
        ('http://host:8080', 'http://host:8080'),
        ('{"a":"http://h:1x","b":"me@home"}', '{"a":"http://h:1x","b":"me@home"}'),
        ('ssh://git@host/repository', 'ssh://git@host/repository'),
        ('PGPASSWORD=hunter2 psql', 'PGPASSWORD=*** psql'),
        ("API_TOKEN='two words' run", 'API_TOKEN=*** run'),
        ('tool --api-key=abc --limit=5', 'tool --api-key=*** --limit=5'),
        ('GET /?token=abc&page=2', 'GET /?token=***&page=2'),
        ('kafka.sasl_password=x', 'kafka.sasl_password=***'),
        ('nothing = here', 'nothing = here'),
    ],
)
def test_texts(text, shown):
    assert redact.text(text) == shown


@given(
    st.text(max_size=30),
    words,
    st.text(st.characters(exclude_characters='"<>', exclude_categories=('Z', 'C')), min_size=1),
)
def test_no_password_of_a_url_gets_through(before, user, rest):
    password = f'secret-{rest}'
    shown = redact.text(f'{before} redis://{user}:{password}@host/0 and more')
    assert 'secret-' not in shown.removeprefix(before)
    assert shown.endswith('host/0 and more')


@given(words, words)
def test_no_secret_variable_gets_through(start, value):
    assert redact.variables({f'{start}_PASSWORD': value}) == {f'{start}_PASSWORD': '***'}
    assert redact.text(f'A_PASSWORD={value}') == 'A_PASSWORD=***'


@given(st.text())
def test_texts_without_the_marks_are_left_alone(text):
    clean = text.replace('=', '').replace('://', '')
    assert redact.text(clean) == clean


@given(
    st.text() | st.lists(st.sampled_from(['a', '://', ':', '@', '=', 'token', ' '])).map(''.join)
)
def test_redacting_twice_changes_nothing_more(text):
    once = redact.text(text)
    assert redact.text(redact.text(once)) == redact.text(once)


@given(plain_json)
def test_data_keeps_its_shape(value):
    assert type(redact.data(value)) is type(value)
    if isinstance(value, dict):
        assert list(redact.data(value)) == list(value)


def test_secrets_are_found_at_any_depth():
    config = {
        'sinks': [{'url': 'http://u:p@h', 'auth_token': 'abc', 'headers': {'X': 'y'}}],
        'password': '',
        'db_password': None,
        'secrets': {'a': 1},
        'pair': ('token=abc', 2),
    }
    assert redact.data(config) == {
        'sinks': [{'url': 'http://h', 'auth_token': '***', 'headers': {'X': 'y'}}],
        'password': '',
        'db_password': None,
        'secrets': '***',
        'pair': ['token=***', 2],
    }


@pytest.mark.parametrize(
    'text',
    ['a' * 300_000, 'x://y:' * 50_000, 'a-' * 150_000 + '=', '=' * 300_000, 'x://a:@' * 40_000],
)
def test_time_grows_with_the_length_only(text):
    started = time.perf_counter()
    redact.text(text)
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    'name',
    ['DK_X', 'dk-x', 'My-Password', 'PASSWD', 'the_secret', '--api-key', 'A_DSN', 'CREDENTIALS'],
)
def test_a_secret_is_found_in_any_line_of_a_long_text(name):
    usual = 'x=1 y="2"\n' * 100
    assert redact.text(f'{usual}{name}=hunter2 z=3\n{usual}') == f'{usual}{name}=*** z=3\n{usual}'
