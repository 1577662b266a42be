"""TLS and logins on a real broker: all that speaks to Kafka gets in, or says why it does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import KafkaAdminClient, UserScramCredentialUpsertion

from drakkar.envelope import parse
from drakkar.errors import AccessRefusedError, ConnectError, TransientSinkError
from drakkar.kafka_client import KafkaClient, probe
from drakkar.models.delivery import DeadLetter
from drakkar.models.message import SourceMessage
from drakkar.source.kafka.dead_letter_reader import KafkaDeadLetterReader
from drakkar.source.kafka.dead_letters import KafkaDeadLetters
from drakkar.source.kafka.topics import Topics
from drakkar_sink_kafka import KafkaPayload, KafkaSinkOptions
from drakkar_sink_kafka.sink import KafkaSink
from integration.servers.fixtures import serving
from integration.servers.kafka import Kafka
from integration.servers.kafka_security import KafkaSecurity
from tests.services.kafka_lab import KafkaTown, load_options
from tests.services.server import Server
from tests.services.waiting import wait_until
from tests.services.world import run

# A broker that is started again may take most of a minute.
pytestmark = pytest.mark.timeout(150)

USER, PASSWORD = 'alice', 'wonder-land'
WRONG = 'looking-glass'
# Its password is changed.
GUEST = 'hatter'


class Castle:
    """A broker with secured listeners, and the options that open them."""

    def __init__(self, kafka: Kafka, security: KafkaSecurity) -> None:
        self.kafka = kafka
        self.security = security

    def options(self, listener: str, mechanism: str = '', password: str = PASSWORD) -> Any:
        """Return the options of a connection, as they are in a file."""
        options = {
            'brokers': self.kafka.secured(listener),
            'security_protocol': 'SSL' if listener == 'MUTUAL' else listener,
        }
        if listener != 'SASL_PLAINTEXT':
            options['tls_ca_file'] = self.security.path('ca')
        if listener == 'MUTUAL':
            options['tls_cert_file'] = self.security.path('client')
        if mechanism:
            login = {'sasl_username': USER, 'sasl_password': password}
            options |= {'sasl_mechanism': mechanism, **login}
        return options

    def change_password(self, user: str, password: str) -> None:
        """Change a user's password of SCRAM-SHA-256; connections that are open stay so."""
        with closing(KafkaAdminClient(bootstrap_servers=self.kafka.address)) as admin:
            changes = [UserScramCredentialUpsertion(user, 'SCRAM-SHA-256', password)]
            admin.alter_user_scram_credentials(changes)


@pytest.fixture(scope='module')
def castle(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Castle]:
    security = KafkaSecurity(tmp_path_factory.mktemp('tls'), {USER: PASSWORD, GUEST: PASSWORD})
    security.initialise()
    with serving(pytestconfig, Kafka, security=security) as kafka:
        yield Castle(kafka, security)


@pytest.mark.parametrize(
    'way',
    [
        ('SSL',),
        ('MUTUAL',),
        ('SASL_PLAINTEXT', 'PLAIN'),
        ('SASL_PLAINTEXT', 'SCRAM-SHA-256'),
        ('SASL_SSL', 'PLAIN'),
        ('SASL_SSL', 'SCRAM-SHA-512'),
    ],
    ids='-'.join,
)
def test_source_sink_dead_letters_and_producer_get_in(
    castle: Castle, unique_name: str, way: tuple[str, ...]
) -> None:
    options = castle.options(*way)
    topic, topics = unique_name, Topics([unique_name])
    with closing(KafkaTown(topic=topic, partitions=1, **options)) as town:
        town.append(b'"produced"')
        with closing(KafkaSink('out', KafkaSinkOptions().load({**options, 'topic': topic}))) as s:
            s.connect()
            s.deliver([KafkaPayload('delivered')])
        member = town.member(**options)
        wait_until(lambda: member.values() == [b'"produced"', b'"delivered"'])
        member.source.commit(member.read())
        assert town.committed() == 2
        with closing(KafkaDeadLetters(town.client, topics)) as queue:
            queue.connect()
            queue.send([DeadLetter(SourceMessage(topic, 0, 0, b'dead'), 'deliver', 'refused')])
        with closing(KafkaDeadLetterReader(town.client, topics)) as reader:
            reader.connect()
            (stored,) = reader.read(reader.ends())
        assert parse(stored.data or b'').message.value == b'dead'


def refusal(options: Any) -> str:
    """Return what a source says that can not get in, where a sink says the same."""
    # Told at once: this is longer than a test may take.
    patient = {**options, 'connect_timeout_seconds': 200}
    with pytest.raises(AccessRefusedError) as caught:
        KafkaClient('kafka', load_options(topic='t', **patient), 'test').admin()
    with pytest.raises(AccessRefusedError) as told:
        KafkaSink('out', KafkaSinkOptions().load({**patient, 'topic': 't'})).connect()
    text = str(caught.value)
    assert str(told.value) == text.removeprefix('[kafka] ')
    assert text.startswith(f'[kafka] brokers = {options["brokers"]}: ')
    return text


@pytest.mark.parametrize('mechanism', ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])
@pytest.mark.parametrize('listener', ['SASL_PLAINTEXT', 'SASL_SSL'])
def test_a_wrong_password_is_told_at_once(castle: Castle, listener: str, mechanism: str) -> None:
    text = refusal(castle.options(listener, mechanism, WRONG))
    assert f'the login of alice was refused ({mechanism} over {listener}): ' in text
    assert 'Authentication failed' in text
    assert WRONG not in text


def test_a_certificate_of_an_unknown_authority_is_told_at_once(castle: Castle) -> None:
    other = castle.security.path('other')
    text = refusal({**castle.options('SSL'), 'tls_ca_file': other})
    assert 'the certificate of the broker is not trusted: unable to get local issuer' in text
    assert f'(tls_ca_file: {other})' in text


def test_a_certificate_of_another_host_is_told_at_once(castle: Castle) -> None:
    options = castle.options('SSL')
    brokers = options['brokers'].replace('127.0.0.1', 'localhost')
    text = refusal({**options, 'brokers': brokers})
    assert "Hostname mismatch, certificate is not valid for 'localhost'" in text


@pytest.mark.parametrize(
    ('listener', 'protocol', 'reason'),
    [
        ('MUTUAL', 'SSL', 'certificate'),  # that of the client is missing
        ('SSL', 'PLAINTEXT', 'accepts connections, but gave no answer that Kafka would give'),
        ('SASL_PLAINTEXT', 'SSL', 'EOF'),  # in the words of OpenSSL's version
    ],
)
def test_what_does_not_fit_the_listener_is_told_in_the_end(
    castle: Castle, listener: str, protocol: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, '_PROBE_SECONDS', 20.0)  # a broker that is busy says it later
    monkeypatch.setattr(probe, '_OBJECTION_SECONDS', 20.0)
    options = {'brokers': castle.kafka.secured(listener), 'security_protocol': protocol}
    if protocol == 'SSL':
        options['tls_ca_file'] = castle.security.path('ca')
    client = KafkaClient(
        'kafka', load_options(topic='t', connect_timeout_seconds=0.5, **options), 'test'
    )
    with pytest.raises(ConnectError, match=f'no answer within 0.5 s .*{reason}'):
        client.admin()


def test_a_file_that_is_missing_is_told_with_its_option(castle: Castle) -> None:
    options = {**castle.options('SSL'), 'tls_ca_file': '/no/such.pem'}
    with pytest.raises(ConnectError, match=r'tls_ca_file = /no/such\.pem.*: .*No such file'):
        KafkaClient('kafka', load_options(topic='t', **options), 'test').admin()


def test_a_password_that_changes_while_running_is_told_and_tried_on(
    castle: Castle, unique_name: str
) -> None:
    options = castle.options('SASL_PLAINTEXT', 'SCRAM-SHA-256') | {'sasl_username': GUEST}
    refused = f'the login of {GUEST} was refused (SCRAM-SHA-256 over SASL_PLAINTEXT): '
    with closing(KafkaTown(topic=unique_name, partitions=1, brokers=castle.kafka.address)) as town:
        member = town.member(**options)
        loaded = KafkaSinkOptions().load({**options, 'topic': unique_name, 'timeout_seconds': '5'})
        with closing(KafkaSink('out', loaded)) as sink:
            sink.connect()
            sink.deliver([KafkaPayload('before')])
            wait_until(lambda: member.values() == [b'"before"'])

            castle.change_password(GUEST, WRONG)
            castle.kafka.restart()
            for _ in range(2):  # by a producer that was connected, and by a new one
                with pytest.raises(TransientSinkError) as told:
                    sink.deliver([KafkaPayload('in between')])
                assert refused in str(told.value)
            wait_until(lambda: refused in member.source.problem(), 20)
            assert any(refused in str(error) for error in member.errors)

            castle.change_password(GUEST, PASSWORD)
            wait_until(lambda: member.source.problem() == '', 20)
            sink.deliver([KafkaPayload('after')])
            wait_until(lambda: member.values()[-1] == b'"after"')


HANDLER = """\
import drakkar.api as dk
from drakkar_sink_kafka import KafkaPayload


class Copy(dk.Handler):
    def on_window_complete(self, results, messages):
        return [KafkaPayload(m.payload) for m in messages]

    def arrange(self, messages, pending):
        return []
"""
CONFIG = """\
[drakkar]
handler = handlers:Copy
source = kafka

[kafka]
source_topic = {topic}
consumer_group = {topic}
session_timeout_ms = 6000
{options}

[executor]
binary_path = /bin/cat

[sinks.kafka.out]
topic = {topic}_out

[metrics]
host = 127.0.0.1
port = 0

[debug]
port = 0
"""


def write(folder: Path, topic: str, options: dict[str, str]) -> None:
    (folder / 'handlers.py').write_text(HANDLER)
    lines = '\n'.join(f'{name} = {value}' for name, value in options.items())
    (folder / 'drakkar.ini').write_text(CONFIG.format(topic=topic, options=lines))


def test_a_worker_and_its_commands_with_one_login(
    castle: Castle, unique_name: str, tmp_path: Path
) -> None:
    """Source, sink and dead letters: the sink has the connection of the source."""
    options = castle.options('SASL_SSL', 'SCRAM-SHA-256')
    write(tmp_path, unique_name, options)
    with closing(KafkaTown(topic=unique_name, partitions=1, **options)) as town:
        with Server(tmp_path) as server:
            server.wait_for_line('running')
            server.produce('good')
            town.append(b'{bad')
            wait_until(lambda: town.committed() == 2, 20)
            assert server.stop() == 0, server.said
            assert PASSWORD not in server.said
        out = town.member(source_topic=f'{unique_name}_out', consumer_group='out', **options)
        wait_until(lambda: out.values() == [b'"good"'])
    listed = run(tmp_path, 'dlq', 'list', '-c', 'drakkar.ini', '--json')
    assert [json.loads(line)['offset'] for line in listed.out.splitlines()] == [1]


@pytest.mark.parametrize('section', ['kafka', 'sinks.kafka.out'])
def test_a_worker_that_may_not_log_in_ends_with_3_and_one_line(
    castle: Castle, unique_name: str, tmp_path: Path, section: str
) -> None:
    write(tmp_path, unique_name, castle.options('SASL_SSL', 'SCRAM-SHA-256'))
    outcome = run(
        tmp_path, 'serve', '-c', 'drakkar.ini', '--set', f'{section}.sasl_password={WRONG}'
    )
    assert outcome.code == 3
    assert 'connect_failed' not in outcome.err  # a refusal is final
    (problem,) = (line for line in outcome.err.splitlines() if not line.startswith('{'))
    assert problem.startswith(f'error: [{section}] ')
    assert problem.count(f'[{section}]') == 1
    assert 'the login of alice was refused' in problem
    assert WRONG not in outcome.err + outcome.out
