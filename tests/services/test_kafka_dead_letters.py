"""Dead letters on a real Kafka: whole, in topics that are made, whatever their size."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

import gevent
import pytest

from drakkar.envelope import parse
from drakkar.errors import ConnectError, DeadLetterError
from drakkar.kafka_client import KafkaClient
from drakkar.models.delivery import DeadLetter
from drakkar.models.message import SourceMessage
from drakkar.models.payload import Payload
from drakkar.source.kafka import dead_letters as module
from drakkar.source.kafka.dead_letters import KafkaDeadLetters
from drakkar.source.kafka.topics import Topics
from integration.servers.kafka import Kafka
from tests.services.kafka_lab import KafkaTown, load_options
from tests.services.waiting import wait_until


def letter(town: KafkaTown, value: bytes, **fields: object) -> DeadLetter:
    headers = [('a', b'\xff'), ('a', b'2')]
    message = SourceMessage(town.topic, 3, 7, value, b'\x00key', 12.5, headers)
    return DeadLetter(message, 'deliver', 'refused', **fields)


@pytest.fixture
def queue(town: KafkaTown) -> Iterator[KafkaDeadLetters]:
    queue = KafkaDeadLetters(town.client, Topics([town.topic]))
    queue.connect()
    yield queue
    queue.close()


def test_letters_come_back_whole(town: KafkaTown, queue: KafkaDeadLetters) -> None:
    queue.send([letter(town, b'%d' % number, attempts=number + 1) for number in range(50)])
    member = town.member(source_topic=f'{town.topic}_dlq')
    wait_until(lambda: len(member.messages) == 50)
    found = [parse(m.value) for m in member.messages if m.value]
    assert sorted(e.attempts for e in found) == list(range(1, 51))
    first = next(e for e in found if e.attempts == 1)
    sent = letter(town, b'0').message
    for name in ('topic', 'partition', 'offset', 'key', 'value', 'timestamp'):
        assert getattr(first.message, name) == getattr(sent, name)
    assert [tuple(h) for h in first.message.headers] == sent.headers
    assert {m.key for m in member.messages} == {b'\x00key'}


def test_a_megabyte_that_does_not_compress(town: KafkaTown, queue: KafkaDeadLetters) -> None:
    value = os.urandom(1_000_000)
    queue.send([letter(town, value)])
    member = town.member(source_topic=f'{town.topic}_dlq')
    wait_until(lambda: member.messages)
    assert parse(member.messages[0].value or b'').message.value == value


def test_where_the_topic_takes_less_the_payloads_are_left_out(town: KafkaTown) -> None:
    name = f'{town.topic}_small'
    with town.admin() as admin:
        configs = {'max.message.bytes': '100000'}
        admin.create_topics({name: {'num_partitions': 1, 'configs': configs}})
    queue = KafkaDeadLetters(town.client, Topics([town.topic], dead_letters=name))
    queue.connect()
    try:
        payload = Payload(data={'noise': os.urandom(200_000).hex()})
        queue.send([letter(town, b'small'), letter(town, b'large', payloads=[payload])])
        member = town.member(source_topic=name)
        wait_until(lambda: len(member.messages) == 2)
        found = {e.message.value: e for e in (parse(m.value or b'') for m in member.messages)}
        assert found[b'large'].payloads == []
        assert '1 payloads left out' in found[b'large'].error
        with pytest.raises(DeadLetterError, match=r'raise its max\.message\.bytes'):
            queue.send([letter(town, os.urandom(200_000))])
    finally:
        queue.close()


def test_a_topic_that_was_deleted_is_made_anew(
    town: KafkaTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, '_SEND_SECONDS', 5.0)
    name = f'{town.topic}_dlq'
    queue = KafkaDeadLetters(town.client, Topics([town.topic]))
    queue.connect()
    with closing(queue), town.admin() as admin:
        queue.send([letter(town, b'old')])
        admin.delete_topics([name])
        wait_until(lambda: name not in admin.list_topics())
        with pytest.raises(DeadLetterError, match='dead letter topic: KafkaTimeoutError'):
            queue.send([letter(town, b'new')])
        queue.send([letter(town, b'new')])
    member = town.member(source_topic=name)
    wait_until(lambda: member.messages)
    assert parse(member.messages[0].value or b'').message.value == b'new'


def test_it_is_closed_while_a_send_hangs(
    town: KafkaTown, apache_kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, '_CLOSE_SECONDS', 0.5)
    queue = KafkaDeadLetters(town.client, Topics([town.topic]))
    queue.connect()
    queue.send([letter(town, b'first')])
    apache_kafka.pause()
    sending = gevent.spawn(queue.send, [letter(town, b'second')])
    wait_until(lambda: queue._producer and queue._producer._accumulator.has_incomplete)
    queue.close()
    apache_kafka.resume()
    with pytest.raises(DeadLetterError):
        sending.get(timeout=15)


def test_an_unreachable_broker(town: KafkaTown) -> None:
    options = load_options('127.0.0.1:1', town.topic, connect_timeout_seconds=0.3)
    queue = KafkaDeadLetters(KafkaClient('kafka', options, 'test'), Topics([town.topic]))
    with pytest.raises(ConnectError, match='1: Connection refused'):
        queue.connect()
    with pytest.raises(DeadLetterError, match='not connected'):
        queue.send([letter(town, b'x')])
