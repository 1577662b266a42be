from __future__ import annotations

import functools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from drakkar.executor.gate import Gate

numbers = st.one_of(st.integers(-5, 5), st.floats(allow_nan=False, width=16))
pairs = st.tuples(st.integers(-2, 2), st.text('ab', max_size=1))
anything = st.one_of(numbers, pairs, st.none(), st.text('ab', max_size=1), st.floats())


def steps(keys: st.SearchStrategy[Any]) -> st.SearchStrategy[list[tuple[str, Any]]]:
    push = st.tuples(st.just('push'), keys)
    return st.lists(
        st.one_of(
            push,
            push,
            st.tuples(st.just('pop'), st.none()),
            st.tuples(st.just('cancel'), st.integers(0, 60)),
        ),
        max_size=60,
    )


@given(st.one_of(steps(numbers), steps(pairs)))
def test_behaves_like_a_stably_sorted_list(actions: list[tuple[str, Any]]) -> None:
    gate: Gate[int] = Gate()
    model: list[tuple[Any, int]] = []  # key, item and ticket
    pushed = 0
    for action, value in actions:
        if action == 'push':
            pushed += 1
            assert gate.push(pushed, value) == pushed
            model.append((value, pushed))
            model.sort(key=lambda entry: entry[0])
        elif action == 'pop':
            assert gate.pop() == (model.pop(0)[1] if model else None)
        else:
            waiting = [entry for entry in model if entry[1] == value]
            assert gate.cancel(value) == (value if waiting else None)
            model = [entry for entry in model if entry[1] != value]
        assert len(gate) == len(model)
    assert [gate.pop() for _ in model] == [ticket for _, ticket in model]
    assert gate.pop() is None


@given(st.lists(anything))
def test_loses_nothing_whatever_the_keys_are(keys: list[Any]) -> None:
    gate: Gate[int] = Gate()
    for item, key in enumerate(keys):
        gate.push(item, key)
    popped = [gate.pop() for _ in keys]
    assert sorted(popped) == list(range(len(keys)))
    assert gate.pop() is None


def test_keys_that_can_not_be_compared_go_in_order_of_arrival() -> None:
    gate: Gate[str] = Gate()
    for item, key in (('a', 'text'), ('b', 1), ('c', None), ('d', object())):
        gate.push(item, key)
    assert [gate.pop() for _ in range(4)] == ['a', 'b', 'c', 'd']
    assert gate.incomparable > 0


def test_a_key_whose_comparison_raises_harms_nobody() -> None:
    class Broken:
        def __lt__(self, other: object) -> bool:
            raise RuntimeError('no')

    gate: Gate[str] = Gate()
    gate.push('one', 1)
    gate.push('broken', Broken())
    gate.push('zero', 0)
    assert {gate.pop(), gate.pop(), gate.pop()} == {'one', 'broken', 'zero'}


def test_not_a_number_waits_in_order_of_arrival() -> None:
    gate: Gate[int] = Gate()
    for number in range(8):
        gate.push(number, float('nan'))
    assert [gate.pop() for _ in range(8)] == list(range(8))


def test_any_type_with_less_than_is_a_key() -> None:
    @functools.total_ordering
    class Level:
        def __init__(self, level: int) -> None:
            self.level = level

        def __lt__(self, other: Level) -> bool:
            return self.level < other.level

        def __eq__(self, other: object) -> bool:
            raise AssertionError('only < may be asked')

    gate: Gate[int] = Gate()
    for level in (3, 1, 2, 1):
        gate.push(level * 10, Level(level))
    assert [gate.pop() for _ in range(4)] == [10, 10, 20, 30]


def test_cancelled_entries_do_not_pile_up() -> None:
    gate: Gate[int] = Gate()
    gate.push(-1, 0)
    for number in range(10_000):
        gate.cancel(gate.push(number, number + 1))
        assert len(gate._heap) < 200
    assert gate.pop() == -1
    assert len(gate) == 0


def test_clear_gives_everything_back_in_order_of_arrival() -> None:
    gate: Gate[str] = Gate()
    for item, key in (('a', 3), ('b', 1)):
        gate.push(item, key)
    assert gate.clear() == ['a', 'b']
    assert (len(gate), gate.pop()) == (0, None)
