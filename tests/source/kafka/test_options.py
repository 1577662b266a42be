"""What `[kafka]` refuses, and the moment of an aligned start."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from drakkar.source.kafka.alignment import aligned_time
from drakkar.source.kafka.options import KafkaOptions

_LOGIN = {'security_protocol': 'SASL_PLAINTEXT', 'sasl_username': 'u', 'sasl_password': 'p'}


def load(**options: Any) -> Any:
    return KafkaOptions().load({'brokers': 'a:1, b:2', 'consumer_group': 'g', **options})


def test_several_topics_and_brokers() -> None:
    options = load(source_topic='x, y')
    assert options.source_topic == ['x', 'y']
    assert options.brokers == ['a:1', 'b:2']


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({}, 'either source_topic or source_pattern'),
        ({'source_topic': 'x', 'source_pattern': 'y'}, 'either source_topic or source_pattern'),
        ({'source_pattern': '('}, 'no regular expression'),
        ({'source_topic': 'x', 'session_timeout_ms': '1000'}, 'must be less than'),
        *(
            ({'source_topic': 'x', **security}, message)
            for security, message in (
                ({'security_protocol': 'SASL_SSL'}, 'SASL_SSL needs sasl_username'),
                (
                    {'security_protocol': 'SASL_PLAINTEXT', 'sasl_username': 'u'},
                    'SASL_PLAINTEXT needs sasl_password',
                ),
                ({'sasl_username': 'u'}, 'sasl_username needs .* not PLAINTEXT'),
                (
                    {'security_protocol': 'SSL', 'sasl_password': 'p', 'tls_ca_file': '/ca'},
                    'sasl_password needs .* not SSL',
                ),
                ({'tls_ca_file': '/ca'}, 'tls_ca_file needs .* not PLAINTEXT'),
                ({**_LOGIN, 'tls_cert_file': '/c'}, 'tls_cert_file needs .* not SASL_PLAINTEXT'),
                (
                    {'security_protocol': 'SSL', 'tls_key_file': '/k'},
                    'tls_key_file needs tls_cert_file',
                ),
            )
        ),
    ],
)
def test_what_is_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        load(**options)


@pytest.mark.parametrize(
    'security',
    [
        _LOGIN,
        {**_LOGIN, 'security_protocol': 'SASL_SSL', 'tls_ca_file': '/ca', 'tls_cert_file': '/c'},
        {'security_protocol': 'SSL'},
        {'security_protocol': 'SSL', 'tls_cert_file': '/c', 'tls_key_password': 'p'},
    ],
)
def test_what_goes_together(security: dict[str, str]) -> None:
    assert load(source_topic='x', **security).security_protocol == security['security_protocol']


@given(st.floats(0, 2e9), st.floats(0, 600), st.floats(0.1, 600))
def test_workers_that_start_together_join_together(
    now: float, wait: float, interval: float
) -> None:
    at = aligned_time(now, wait, interval)
    assert at - now >= wait - 1e-3
    assert at - now <= wait + interval + 1e-3


def test_an_aligned_time_is_a_multiple_of_the_interval() -> None:
    assert aligned_time(1001.0, 5, 15) == 1020
    assert aligned_time(1015.0, 5, 15) == 1020
