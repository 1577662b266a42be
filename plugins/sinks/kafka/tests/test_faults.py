"""A broker that is slow, away, or says no, and what becomes of the payloads then."""

from __future__ import annotations

import json
import time
from typing import Any

import gevent
import pytest
from kafka import KafkaProducer

import drakkar.api as dk
from drakkar.delivery.attempt import Attempt
from drakkar_sink_kafka import KafkaPayload
from drakkar_sink_kafka.sink import KafkaSink

# A broker that comes back takes seconds of processor time.
pytestmark = pytest.mark.timeout(150)


def numbers(records: Any) -> list[int]:
    return [json.loads(record.value)['n'] for record in records]


def batch(*wanted: int, topic: str = '', pad: int = 0) -> list[KafkaPayload]:
    return [KafkaPayload({'n': n, 'pad': 'x' * pad}, key='k', topic=topic) for n in wanted]


def deliver_at_last(deliver: Any, sink: KafkaSink, number: int) -> None:
    """Deliver until it works: a broker that is back may not keep a short limit at once."""
    with gevent.Timeout(30, AssertionError('the broker was not found again')):
        while deliver(sink, *batch(number)):
            gevent.sleep(0.1)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sinks look for a topic for a shorter time."""
    monkeypatch.setattr('drakkar_sink_kafka.producer.TOPIC_SECONDS', 1.5)


@pytest.mark.usefixtures('impatient')
def test_a_topic_that_does_not_exist_is_refused_alone(make: Any, town: Any, failures: Any) -> None:
    sink = make(create_topics='false')
    failed = failures(sink, *batch(1), *batch(2, topic='no-such.topic'), *batch(3))
    assert list(failed) == [1]
    assert isinstance(failed[1], dk.RefusedError)
    assert str(failed[1]) == 'topic no-such.topic does not exist'
    assert numbers(town.records()) == [1, 3]
    started = time.monotonic()
    failures(sink, *batch(2, topic='no-such.topic'))
    assert time.monotonic() - started < 1  # it is not looked for each time


@pytest.mark.usefixtures('impatient')
def test_at_the_start_the_topic_is_looked_for(make: Any) -> None:
    with pytest.raises(dk.RefusedError, match=r'topic no-such\.topic does not exist'):
        make(topic='no-such.topic', create_topics='false')


def test_a_codec_whose_package_is_missing_is_a_mistake_in_the_section(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = {**KafkaProducer._COMPRESSORS, 'zstd': (lambda: False, 0)}
    monkeypatch.setattr(KafkaProducer, '_COMPRESSORS', absent)
    sink = KafkaSink('results', town.options(compression='zstd'))
    with pytest.raises(dk.ConfigError, match='compression = zstd'):
        sink.connect()
    sink.close()


class Pausing(KafkaPayload):
    """Stops the broker when its turn comes, as soon as all records before it are written."""

    def stop(self, town: Any, server: Any) -> Pausing:
        self._stop = town, server
        return self

    def value(self) -> bytes | None:
        town, server = self._stop
        while not town.records():
            gevent.sleep(0.01)
        server.pause()
        return super().value()


def half_written(town: Any, server: Any) -> list[KafkaPayload]:
    return [*batch(1), Pausing({'n': 2}, key='k').stop(town, server), *batch(3)]


def test_what_was_acknowledged_before_the_delivery_timed_out_is_delivered(
    make: Any, town: Any, apache_kafka: Any
) -> None:
    sink = make()
    failed = Attempt(sink, 1.5, lambda _: None).run(half_written(town, apache_kafka), 1)
    apache_kafka.resume()
    assert list(failed) == [1, 2]
    assert {type(error) for error in failed.values()} == {dk.TransientSinkError}
    assert Attempt(sink, 30, lambda _: None).run(batch(4), 1) == {}
    found = numbers(town.records())
    assert (found[0], found[-1]) == (1, 4)
    assert found.count(1) == 1


class Endless(KafkaPayload):
    """Never gets ready to be sent."""

    def value(self) -> bytes | None:
        gevent.sleep(1000)
        return None


def test_what_was_not_even_sent_when_the_delivery_timed_out_has_failed(
    make: Any, town: Any
) -> None:
    wanted = [*batch(1), Endless({'n': 2}, key='k'), *batch(3)]
    failed = Attempt(make(), 3, lambda _: None).run(wanted, 1)
    assert list(failed) == [1, 2]
    assert {type(error) for error in failed.values()} == {dk.TransientSinkError}
    assert numbers(town.records()) == [1]


def test_the_sink_has_a_time_limit_of_its_own(
    make: Any, town: Any, failures: Any, apache_kafka: Any
) -> None:
    sink = make(timeout_seconds='1')
    started = time.monotonic()
    failed = failures(sink, *half_written(town, apache_kafka))
    apache_kafka.resume()
    assert time.monotonic() - started < 15  # without one of its own it has 20 s
    assert list(failed) == [1, 2]
    assert {type(error) for error in failed.values()} == {dk.TransientSinkError}


def test_nothing_is_sent_after_a_delivery_was_given_up(
    make: Any, town: Any, apache_kafka: Any
) -> None:
    """Only what was on the wire already may still arrive: one request."""
    sink = make()
    apache_kafka.pause()
    lost = gevent.spawn(sink.deliver, batch(*range(10), pad=500_000))
    gevent.sleep(0.3)  # several times its linger; nothing tells that a request has left
    lost.kill()
    apache_kafka.resume()
    sink.deliver(batch(99))
    found = numbers(town.records())
    assert found[-1] == 99
    assert found[:-1] in ([], [0])
    sink.deliver(batch(100))
    assert numbers(town.records()) == [*found, 100]


def test_a_broker_that_hangs_is_not_waited_for_and_found_again(
    make: Any, town: Any, failures: Any, apache_kafka: Any
) -> None:
    sink = make(timeout_seconds='1.5', connect_timeout_seconds='1')
    apache_kafka.pause()
    for _ in range(2):
        failed = failures(sink, *batch(1, 2))
        assert list(failed) == [0, 1]
        assert all(isinstance(error, dk.TransientSinkError) for error in failed.values())
    apache_kafka.resume()
    deliver_at_last(failures, sink, 3)
    found = numbers(town.records())
    first = found.index(3)
    assert found[:first] in ([], [1, 2])
    assert set(found[first:]) == {3}


def test_a_broker_that_dies_and_comes_back_within_a_delivery_is_no_failure(
    make: Any, town: Any, failures: Any, apache_kafka: Any
) -> None:
    sink = make(timeout_seconds='100')  # a broker may take most of a minute to start
    assert failures(sink, *batch(1)) == {}
    apache_kafka.kill()
    delivery = gevent.spawn(failures, sink, *batch(2, 3))
    apache_kafka.start()
    assert delivery.get() == {}
    assert numbers(town.records()) == [1, 2, 3]


def test_a_broker_that_is_away_is_said_so_and_found_again(
    make: Any, town: Any, failures: Any, apache_kafka: Any
) -> None:
    sink = make(timeout_seconds='1', connect_timeout_seconds='0.5')
    apache_kafka.kill()
    for _ in range(3):
        failed = failures(sink, *batch(1))
        assert isinstance(failed[0], dk.TransientSinkError)
    apache_kafka.start()
    deliver_at_last(failures, sink, 2)
    assert numbers(town.records())[-1] == 2


def test_where_the_way_is_lost_in_between_only_what_is_not_written_is_said_to_be_so(
    make: Any, town: Any, failures: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(KafkaPayload):
        """Is ready when all records before it are written."""

        def value(self) -> bytes | None:
            while not town.records():
                gevent.sleep(0.01)
            return super().value()

    def no_way(slot: Any) -> Any:
        raise dk.NotWrittenError('refused')

    topic = town.create('_small', 1, max_message_bytes=2000)
    sink = make()
    monkeypatch.setattr('drakkar_sink_kafka.producer.ProducerSlot._open', no_way)
    large = [*batch(3, 4, topic=topic, pad=5000)]
    failed = failures(sink, *batch(1), Late({'n': 2}, topic=topic), *large)
    assert {type(failed.pop(index)) for index in (2, 3)} == {dk.NotWrittenError}
    assert 0 not in failed
    assert numbers(town.records()) == [1]
