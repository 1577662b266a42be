"""Kafka: its data outlives a stop and a kill; of three brokers, one may be missing."""

from __future__ import annotations

import contextlib

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from integration.servers import kafka_ping
from integration.servers.fixtures import off_the_clock, unobtainable
from integration.servers.kafka import GIVEN, Kafka, given
from integration.servers.obtain import NotObtainableError
from integration.servers.tansu import Tansu
from tests.services.waiting import wait_until


def produce(address, topic, count):
    """Write numbered messages; return when all replicas in sync have them."""
    producer = KafkaProducer(
        bootstrap_servers=address.split(','), acks='all', reconnect_backoff_max_ms=200
    )
    with contextlib.closing(producer):
        futures = [producer.send(topic, b'%d' % number) for number in range(count)]
        for future in futures:
            future.get(timeout=60)


def read(address, topic, count):
    """Return what is in partition 0."""
    consumer = KafkaConsumer(
        bootstrap_servers=address.split(','),
        auto_offset_reset='earliest',
        enable_auto_commit=False,
        reconnect_backoff_max_ms=200,
    )
    with contextlib.closing(consumer):
        consumer.assign([TopicPartition(topic, 0)])
        found = []

        def enough():
            for records in consumer.poll(timeout_ms=100).values():
                found.extend(int(record.value) for record in records)
            return len(found) >= count

        wait_until(enough, timeout=60)
        return found


@pytest.mark.timeout(90)
def test_it_serves_at_once(kafka, unique_name):
    kafka.create_topic(unique_name)
    produce(kafka.address, unique_name, 10)
    assert read(kafka.address, unique_name, 10) == list(range(10))


@pytest.mark.timeout(180)
@pytest.mark.parametrize(('how', 'back'), [('stop', 'start'), ('kill', 'heal')])
def test_what_was_written_is_there_after_a_restart(apache_kafka, unique_name, how, back):
    address = apache_kafka.address
    apache_kafka.create_topic(unique_name)
    produce(address, unique_name, 100)
    getattr(apache_kafka, how)()
    assert not apache_kafka.running
    with pytest.raises(ConnectionRefusedError):
        apache_kafka.nodes[0].ping()
    getattr(apache_kafka, back)()
    assert apache_kafka.address == address
    assert read(address, unique_name, 100) == list(range(100))


@pytest.mark.timeout(90)
def test_paused_it_does_not_answer(apache_kafka, unique_name):
    apache_kafka.create_topic(unique_name)
    apache_kafka.pause()
    with pytest.raises(TimeoutError):
        kafka_ping.brokers(apache_kafka.address, timeout=0.5)
    apache_kafka.resume()
    produce(apache_kafka.address, unique_name, 1)


# test_kafka_cluster.py kills one.
@pytest.mark.timeout(300)
@pytest.mark.parametrize('how', ['stop', 'pause'])
def test_of_three_brokers_one_may_be_missing(kafka_cluster, unique_name, how):
    kafka_cluster.create_topic(unique_name)
    produce(kafka_cluster.address, unique_name, 100)
    getattr(kafka_cluster.nodes[0], how)()
    others = ','.join(node.address for node in kafka_cluster.nodes[1:])
    for node in kafka_cluster.nodes[1:]:
        wait_until(lambda node=node: node.members() == {2, 3}, timeout=60)
    produce(others, unique_name, 100)
    kafka_cluster.heal()
    assert read(kafka_cluster.address, unique_name, 200) == [*range(100)] * 2


@pytest.mark.timeout(300)
def test_three_brokers_can_all_restart(kafka_cluster, unique_name):
    kafka_cluster.create_topic(unique_name)
    produce(kafka_cluster.address, unique_name, 100)
    kafka_cluster.kill()
    kafka_cluster.start()
    assert read(kafka_cluster.address, unique_name, 100) == list(range(100))


@pytest.mark.timeout(90)
def test_tansu_serves_where_it_has_to(unique_name):
    try:
        with off_the_clock():
            Tansu.obtain()
    except NotObtainableError as error:
        unobtainable(str(error))
    with Tansu() as server:
        server.create_topic(unique_name)
        produce(server.address, unique_name, 10)
        assert read(server.address, unique_name, 10) == list(range(10))


def test_a_given_broker_is_taken_and_not_ours(kafka, monkeypatch):
    monkeypatch.setenv(GIVEN, kafka.address)
    found = given()
    assert found.address == kafka.address
    assert not hasattr(found, 'stop')


def test_a_given_broker_that_does_not_answer_is_said(monkeypatch):
    monkeypatch.setenv(GIVEN, '127.0.0.1:9')
    with pytest.raises(NotObtainableError, match=r'127\.0\.0\.1:9 does not answer'):
        given()


def test_a_kafka_home_without_kafka_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv('KAFKA_HOME', str(tmp_path))
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    with pytest.raises(NotObtainableError, match=f'KAFKA_HOME={tmp_path}'):
        Kafka.obtain()
