"""What the board tells of calls, and that a client that follows it misses nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drakkar import jsonio
from drakkar.models.group import MessageGroup
from drakkar.models.task import ExecutorResult, FailureKind
from drakkar.recorder.live.board import BARS_IN_DELTA, BARS_IN_SNAPSHOT
from tests.recorder.live_world import P3, START, Client, Out, World, message, task


@pytest.fixture
def world() -> World:
    return World()


def test_an_arrange_call_names_its_first_messages(world: World) -> None:
    messages = [message(offset) for offset in range(40, 60)]
    world.board.arranged(P3, messages, [task(), task()], 0.0123)
    assert world.board.snapshot()['arranged'] == [
        {
            'revision': 1,
            'time': START,
            'partition': 3,
            'first_offset': 40,
            'last_offset': 59,
            'messages': 20,
            'labels': ['3:40', '3:41', '3:42', '3:43', '3:44'],
            'tasks': 2,
            'duration': 0.0123,
            'request': '',
        }
    ]


def test_a_label_that_raises_falls_back_to_the_offset(world: World) -> None:
    world.board._label = lambda m: m.payload['name']
    world.board.arranged(P3, [message(1)], [], 0.0)
    assert world.board.snapshot()['arranged'][0]['labels'] == ['3:1']


def test_completions_count_their_outputs_by_sink(world: World) -> None:
    made = task(9, labels={'customer': 'ann'})
    payloads = [Out({}), Out({}), Out({}, sink='audit')]
    world.board.task_complete(ExecutorResult(made), payloads, 0.002)
    group = MessageGroup(message(9), started_at=START, finished_at=START + 4)
    world.board.message_complete(group, [Out({})])
    world.board.window_complete(P3, [message(9), message(10)], [Out({})], 5.0)
    seen = world.board.snapshot()['collected']
    assert [call['outputs'] for call in seen] == [
        {'kafka': 2, 'kafka.audit': 1},
        {'kafka': 1},
        {'kafka': 1},
    ]
    assert [call['hook'] for call in seen] == [
        'on_task_complete',
        'on_message_complete',
        'on_window_complete',
    ]
    assert [(call['message'], call['messages'], call['duration']) for call in seen] == [
        ('3:9', 1, 0.002),
        ('3:9', 1, 4.0),
        ('3:9', 2, 5.0),
    ]
    assert (seen[0]['task_id'], seen[0]['labels']) == (made.task_id, {'customer': 'ann'})


def test_messages_and_windows_without_output_are_not_worth_a_line(world: World) -> None:
    world.board.message_complete(MessageGroup(message(9)), ())
    world.board.window_complete(P3, [message(9)], (), 1.0)
    assert world.board.snapshot()['collected'] == []


def test_the_pool_and_the_time_are_in_every_frame(world: World) -> None:
    world.start(task(), slot=1)
    pool = {'slots': 4, 'active': 1, 'waiting': 2, 'idle_slot_seconds': 12.5}
    for frame in (world.board.snapshot(), world.board.delta(0)):
        assert (frame['now'], frame['pool']) == (START, pool)


def test_a_long_past_comes_in_pages() -> None:
    world = World(min_duration=0)
    for offset in range(1200):
        world.complete(task(offset), 1.0)
    snapshot = world.board.snapshot()
    assert len(snapshot['bars']) == BARS_IN_SNAPSHOT
    client, pages = Client(snapshot), 0
    while client.earlier:
        client.fill(world.board.before(client.earlier))
        pages += 1
    assert (len(client.bars), pages) == (1200, 2)


def test_a_burst_comes_in_several_deltas() -> None:
    world = World(min_duration=0)
    client = Client(world.board.snapshot())
    for offset in range(2500):
        world.complete(task(offset), 1.0)
        world.board.arranged(P3, [message(offset)], [], 0.0)
    sizes = []
    while client.revision < world.board.snapshot()['revision']:
        delta = world.board.delta(client.revision)
        sizes.append(len(delta['bars']))
        client.apply(delta)
    assert sizes == [BARS_IN_DELTA, BARS_IN_DELTA, 500]
    assert client.arranged == world.board.snapshot()['arranged']
    nothing = world.board.delta(client.revision)
    assert (nothing['bars'], nothing['arranged']) == ([], [])


def test_who_is_too_far_behind_is_told_of_the_gap() -> None:
    """What ended out of its sight would run for ever in its picture."""
    world = World(bars=3)
    made = task(0)
    world.start(made)
    world.now += 1
    client = Client(world.board.snapshot())
    assert [bar['end'] for bar in client.bars.values()] == [None]
    world.complete(made, 1.0)
    for offset in range(1, 4):
        world.complete(task(offset), 1.0)
    assert world.board.delta(client.revision)['since'] > client.revision
    client.follow(world.board)
    assert client.state() == Client(world.board.snapshot()).state()
    assert world.board.delta(client.revision)['since'] == client.revision


def test_nothing_is_formatted_while_nobody_looks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(text: str) -> str:
        raise AssertionError('formatted')

    monkeypatch.setattr('drakkar.redact.text', refuse)
    made = task(args=['x'], labels={'a': 'b'})
    world.board.arranged(P3, [message(7)], [made], 0.0)
    world.start(made)
    world.complete(made, 2.0)
    world.board.task_complete(ExecutorResult(made), [Out({})], 0.0)
    with pytest.raises(AssertionError):
        world.board.snapshot()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ['start', 'complete', 'fail', 'cancel', 'vanish', 'wait', 'arrange', 'collect', 'look']
        ),
        st.integers(0, 3),
        st.sampled_from([0.1, 0.6, 2.0]),
    ),
    max_size=60,
)


@settings(max_examples=200)
@given(steps=STEPS, limit=st.integers(1, 6))
@example(
    [
        ('start', 0, 0.1),
        ('wait', 0, 0.6),
        ('look', 0, 0.1),
        *[('start', 0, 0.1), ('wait', 0, 0.6)] * 2,
    ],
    1,
)
def test_a_client_that_follows_equals_one_that_comes_anew(
    steps: list[tuple[str, int, float]], limit: int
) -> None:
    world = World(bars=limit)
    running = {}
    clients = [Client(world.board.snapshot())]
    for number, (step, slot, seconds) in enumerate(steps):
        made = running.get(slot)
        if step == 'wait':
            world.now += seconds
        elif step == 'arrange':
            world.board.arranged(P3, [message(number)], [], seconds)
        elif step == 'collect':
            world.board.task_complete(ExecutorResult(task(number)), [Out({})], seconds)
        elif step == 'look':
            clients.append(Client(world.board.snapshot()))
            clients[0].follow(world.board)
            clients[0].follow(world.board, clients[0].revision - 1)  # told twice
        elif step == 'start':
            running[slot] = made = task(number)
            world.start(made, slot)
        elif made is None:
            continue
        elif step == 'vanish':
            world.busy.discard(slot)
        elif step == 'complete':
            world.complete(running.pop(slot), seconds, slot)
        else:
            kind = FailureKind.EXIT if step == 'fail' else FailureKind.CANCELLED
            world.fail(running.pop(slot), seconds, slot, kind)
    for client in clients:
        client.follow(world.board)
    fresh = world.board.snapshot()
    for client in clients:
        assert client.state() == Client(fresh).state()
    assert json.loads(jsonio.dumps(fresh)) == fresh
