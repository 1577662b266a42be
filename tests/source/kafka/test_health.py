"""What is told of a Kafka that is away, and how often."""

from __future__ import annotations

from typing import Any

from drakkar.source.kafka.health import Health

AWAY = 'no broker that coordinates the consumer group could be reached'


def not_refused(consumer: Any) -> str:
    return ''


class Consumer:
    coordinator_known = True

    def assignment(self) -> list[int]:
        return [1]


def test_an_outage_is_told_after_a_moment_and_then_again_and_again() -> None:
    health, consumer = Health(['t'], not_refused), Consumer()
    consumer.coordinator_known = False
    told: dict[int, str] = {}
    for now in range(25):
        problem = health.problem(_typed(consumer), float(now), False)
        assert health.current == (AWAY if now >= 2 else '')
        if problem:
            told[now] = problem
    assert told == {now: f'{AWAY} for {now} s' for now in (2, 12, 22)}


def test_its_end_is_noticed_and_the_next_one_is_told_anew() -> None:
    health, consumer = Health(['t'], not_refused), Consumer()
    for start in (0.0, 100.0):
        consumer.coordinator_known = False
        health.problem(_typed(consumer), start, False)
        assert health.problem(_typed(consumer), start + 2, False) == f'{AWAY} for 2 s'
        consumer.coordinator_known = True
        assert health.problem(_typed(consumer), start + 3, False) == ''
        assert health.current == ''


def test_a_refusal_is_told_as_soon_as_it_is_known() -> None:
    reasons = ['', '', 'the login was refused', 'the login was refused']
    health, consumer = Health(['t'], lambda _: reasons.pop(0)), Consumer()
    consumer.coordinator_known = False
    told = [health.problem(_typed(consumer), float(now), False) for now in (0, 2, 3, 4)]
    assert told == ['', f'{AWAY} for 2 s', f'{AWAY}: the login was refused for 3 s', '']
    assert health.current == f'{AWAY}: the login was refused'


def test_whoever_reads_is_well() -> None:
    health, consumer = Health(['t'], not_refused), Consumer()
    consumer.coordinator_known = False
    for now in (0.0, 5.0):
        assert health.problem(_typed(consumer), now, True) == ''
    assert health.current == ''


def _typed(consumer: Consumer) -> Any:
    return consumer
