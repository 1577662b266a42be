"""Whose brokers a sink uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import drakkar.api as dk
from drakkar.config.loader import load
from drakkar.models.delivery import SinkRef
from drakkar.source.kafka.plugin import drakkar_register_sources
from drakkar.source.log.plugin import drakkar_register_sources as register_log
from drakkar_sink_kafka import drakkar_register_sinks

SOURCE = """
[kafka]
brokers = main:9092
source_topic = in
consumer_group = g
security_protocol = SASL_SSL
sasl_username = reader
sasl_password = s3cret
tls_ca_file = /ca.pem
"""


def completed(folder: Path, text: str, source: str = 'kafka') -> Any:
    path = folder / 'drakkar.ini'
    path.write_text(f'[drakkar]\nhandler = some\nsource = {source}\n{text}')
    config = load(
        path,
        sinks={spec.name: spec for spec in drakkar_register_sinks()},
        sources={s.name: s for s in (*drakkar_register_sources(), *register_log())},
        handler_options=lambda _: None,
        environ={},
    )
    instance = config.sink_instances[SinkRef('kafka', 'out')]
    assert instance.spec.complete is not None
    instance.spec.complete(instance.options, config)
    return instance.options


def test_without_brokers_it_uses_those_of_the_source_as_the_source_does(tmp_path: Path) -> None:
    options = completed(tmp_path, SOURCE + '[sinks.kafka.out]\ntopic = t\n')
    assert options.brokers == ['main:9092']
    assert (options.security_protocol, options.tls_ca_file) == ('SASL_SSL', '/ca.pem')
    assert (options.sasl_username, options.sasl_password) == ('reader', 's3cret')


def test_what_it_says_itself_stays(tmp_path: Path) -> None:
    own = 'sasl_username = writer\nsasl_password = other\n'
    options = completed(tmp_path, SOURCE + f'[sinks.kafka.out]\ntopic = t\n{own}')
    assert options.brokers == ['main:9092']
    assert (options.security_protocol, options.tls_ca_file) == ('SASL_SSL', '/ca.pem')
    assert (options.sasl_username, options.sasl_password) == ('writer', 'other')


def test_what_does_not_go_together_with_the_source_is_a_mistake(tmp_path: Path) -> None:
    source = SOURCE.replace('SASL_SSL', 'SASL_PLAINTEXT').replace('tls_ca_file = /ca.pem', '')
    with pytest.raises(dk.ConfigError, match=r'tls_ca_file needs .* not SASL_PLAINTEXT'):
        completed(tmp_path, source + '[sinks.kafka.out]\ntopic = t\ntls_ca_file = /own.pem\n')


def test_other_brokers_are_not_shown_the_password_of_the_source(tmp_path: Path) -> None:
    options = completed(tmp_path, SOURCE + '[sinks.kafka.out]\ntopic = t\nbrokers = b:1, c:2\n')
    assert options.brokers == ['b:1', 'c:2']
    assert (options.security_protocol, options.sasl_password) == ('PLAINTEXT', '')


def test_with_another_source_the_section_still_counts(tmp_path: Path) -> None:
    text = '[log]\npath = log\n[kafka]\nbrokers = main:9092\n[sinks.kafka.out]\ntopic = t\n'
    assert completed(tmp_path, text, source='log').brokers == ['main:9092']


def test_no_brokers_at_all_is_a_mistake_that_names_the_section(tmp_path: Path) -> None:
    with pytest.raises(dk.ConfigError, match=r'\[sinks\.kafka\.out\]: brokers: missing'):
        completed(tmp_path, '[log]\npath = log\n[sinks.kafka.out]\ntopic = t\n', source='log')
