from __future__ import annotations

import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.webapp.auth import Clients, UnknownClient

CLIENTS = Clients({'open': '', 'a': 'token-a', 'b': 'token-b'})


@pytest.mark.parametrize(
    ('header', 'name'),
    [
        (None, 'open'),
        ('Bearer token-a', 'a'),
        ('bearer  token-b', 'b'),
        ('BEARER token-b ', 'b'),
    ],
)
def test_known_clients(header: str | None, name: str) -> None:
    assert CLIENTS.identify(header) == name


@given(st.text(max_size=20))
def test_anything_else_is_nobody(header: str) -> None:
    with pytest.raises(UnknownClient):
        CLIENTS.identify(header)


def test_all_tokens_are_compared_whatever_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def noted(sent: Any, known: Any) -> bool:
        compared.append(known)
        return compare(sent, known)

    monkeypatch.setattr(hmac, 'compare_digest', noted)
    CLIENTS.identify('Bearer token-a')
    assert compared == [b'token-a', b'token-b']


def test_who_needs_a_token() -> None:
    assert not CLIENTS.open
    assert Clients({'x': ''}).open
    with pytest.raises(UnknownClient, match='a token is needed'):
        Clients({'a': 'token'}).identify(None)
