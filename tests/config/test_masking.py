"""What counts as a secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.config.masking import mask_text
from drakkar.redact import is_secret_name


@pytest.mark.parametrize('name', ['DB_PASSWORD', 'api_token', 'AWS_SECRET_ID', 'X_KEY', 'PG_DSN'])
def test_names_that_look_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize('name', ['PATH', 'KEYBOARD', 'LANG', 'DSN_HOST'])
def test_names_that_do_not(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('amqp://guest:guest@h:1/v', 'amqp://guest:***@h:1/v'),
        ('redis://:pw@h', 'redis://***@h'),
        ('https://token@h/x', 'https://***@h/x'),
        ('https://h/x?api_key=abc&n=1', 'https://h/x?api_key=***&n=1'),
        ('host=h password = pw dbname=d', 'host=h password = *** dbname=d'),
        ('olaf@example.org', 'olaf@example.org'),
        ('http://h/path', 'http://h/path'),
    ],
)
def test_credentials_in_texts(text: str, shown: str) -> None:
    assert mask_text(text) == shown


PASSWORDS = st.text(st.characters(exclude_categories=['C', 'Z']), min_size=1)


@given(PASSWORDS)
def test_no_password_in_a_url_is_shown(password: str) -> None:
    assert mask_text(f'pg://olaf:{password}@host/db') == 'pg://olaf:***@host/db'
