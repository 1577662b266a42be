from __future__ import annotations

from typing import Any

from drakkar.contracts.observer import Observer
from drakkar.models.message import TopicPartition
from drakkar.observers import combine

PARTITION = TopicPartition('t', 0)


class Ears(Observer):
    def __init__(self, name: str, heard: list[Any]) -> None:
        self.name = name
        self.heard = heard

    def stalled(self, partition: TopicPartition, messages: int) -> None:
        self.heard.append((self.name, partition, messages))


class Broken(Ears):
    def stalled(self, partition: TopicPartition, messages: int) -> None:
        super().stalled(partition, messages)
        raise RuntimeError('by design')


def test_all_hear_in_order_and_one_that_fails_stops_nobody() -> None:
    heard: list[Any] = []
    combined = combine([Ears('a', heard), Broken('b', heard), Ears('c', heard)])
    combined.stalled(PARTITION, 3)
    combined.stalled(partition=PARTITION, messages=0)
    assert [name for name, *_ in heard] == ['a', 'b', 'c'] * 2
    assert heard[-1] == ('c', PARTITION, 0)


def test_an_event_nobody_listens_to_costs_an_empty_call() -> None:
    combined = combine([Ears('a', [])])
    assert combined.annotation.__func__ is Observer.annotation  # type: ignore[attr-defined]
    combined.annotation('x')


def test_every_event_of_the_contract_is_passed_on() -> None:
    events = [name for name in vars(Observer) if not name.startswith('_')]
    heard: list[str] = []
    all_ears: Any = type(
        'AllEars',
        (Observer,),
        {event: lambda self, *args, event=event: heard.append(event) for event in events},
    )
    combined = combine([all_ears(), Observer()])
    for event in events:
        getattr(combined, event)()
    assert heard == events


def test_without_observers_nothing_happens() -> None:
    combine([]).stalled(PARTITION, 1)
