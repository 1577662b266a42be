"""Which runs the live page shows, and as what."""

from __future__ import annotations

import pytest

from drakkar.models.task import FailureKind, PrecomputedResult
from tests.recorder.live_world import START, World, task


@pytest.fixture
def world() -> World:
    return World()


def only(world: World) -> dict:
    (bar,) = world.bars()
    return bar


def test_a_run_is_shown_once_it_is_old_enough_and_stays(world: World) -> None:
    made = task(7, args=['-n', '3'], labels={'customer': 'ann'})
    world.start(made, slot=2)
    world.now += 0.49
    assert world.bars() == []
    world.now += 0.02
    bar = only(world)
    assert (bar['state'], bar['start'], bar['end']) == ('running', START, None)
    assert (bar['slot'], bar['pid'], bar['task_id']) == (2, 102, made.task_id)
    assert (bar['name'], bar['message'], bar['http']) == ('p3:o7', '3:7', False)
    assert (bar['labels'], bar['command']) == ({'customer': 'ann'}, '-n 3')
    world.complete(made, 0.499, slot=2)  # clocks differ a little: what was shown stays
    done = only(world)
    assert (done['id'], done['state']) == (bar['id'], 'completed')
    assert done['end'] == pytest.approx(START + 0.499)


def test_short_runs_are_not_kept_unless_they_failed(world: World) -> None:
    for offset in range(3):
        world.start(task(offset))
    short, failed = task(3), task(4)
    world.start(short)
    world.complete(short, 0.1)
    world.start(failed)
    world.fail(failed, 0.1, exit_code=3, stderr='no such file', attempt=2)
    bar = only(world)
    assert (bar['state'], bar['exit_code'], bar['attempt'], bar['action']) == (
        'failed',
        3,
        2,
        'dlq',
    )
    assert bar['error'] == 'exit code 3: no such file'


def test_a_program_that_could_not_be_started_is_a_failure_without_length(world: World) -> None:
    world.fail(task(), 0.0, slot=1, kind=FailureKind.SPAWN, exception='no such program')
    bar = only(world)
    assert (bar['state'], bar['slot'], bar['pid']) == ('failed', 1, None)
    assert bar['start'] == bar['end'] == START


@pytest.mark.parametrize('min_duration', [0, 0.5])
def test_what_was_cancelled_is_shown_only_if_it_ran(min_duration: float) -> None:
    world = World(min_duration)
    waited, ran = task(1), task(2)
    world.fail(waited, 0.0, slot=-1, kind=FailureKind.CANCELLED)
    world.start(ran)
    world.fail(ran, 3.0, kind=FailureKind.CANCELLED)
    assert only(world)['state'] == 'cancelled'


def test_a_precomputed_result_has_no_lane() -> None:
    world = World(min_duration=0)
    world.complete(task(precomputed=PrecomputedResult()), 0.0, slot=-1)
    assert only(world)['slot'] == -1


def test_a_retried_task_has_a_bar_for_every_run(world: World) -> None:
    made = task()
    for slot in (0, 1):
        world.start(made, slot)
        world.fail(made, 1.0, slot, attempt=slot + 1)
    assert [(bar['slot'], bar['attempt']) for bar in world.bars()] == [(0, 1), (1, 2)]


def test_the_oldest_of_those_that_are_over_go_first() -> None:
    world = World(bars=3)
    for offset in range(5):
        world.start(task(offset))
        world.fail(made := task(offset), 1.0)
        assert made
    assert [bar['message'] for bar in world.bars()] == ['3:2', '3:3', '3:4']


class TestRunsThatNobodyToldTheEndOf:
    def test_the_bar_ends_where_its_slot_was_seen_free(self, world: World) -> None:
        made = task()
        world.start(made)
        world.now += 2
        world.bars()
        world.busy.clear()
        world.now += 1
        assert (only(world)['state'], only(world)['end']) == ('ended', START + 3)

    def test_it_ends_where_the_next_program_took_its_slot(self, world: World) -> None:
        world.start(task(1))
        world.now += 2
        world.start(task(2))
        world.now += 5
        ended, running = world.bars()
        assert (ended['state'], ended['end']) == ('ended', START + 2)
        assert running['state'] == 'running'

    def test_a_late_word_corrects_it(self, world: World) -> None:
        made = task()
        world.start(made)
        world.now += 2
        world.busy.clear()
        ended = only(world)
        world.fail(made, 1.9, exit_code=1)
        bar = only(world)
        assert (bar['id'], bar['state'], bar['end']) == (ended['id'], 'failed', START + 1.9)

    def test_they_are_forgotten_when_there_are_many(self) -> None:
        world = World(min_duration=0)
        for offset in range(5000):
            world.start(task(offset))
        assert len(world.board._bars._open) < 2500


def test_a_request_is_named_by_client_and_request() -> None:
    world = World(min_duration=0)
    made = task(origin='http', client_name='shop', request_id='0123456789abcdef')
    world.start(made)
    bar = only(world)
    assert (bar['name'], bar['http'], bar['message']) == ('shop:01234567', True, '')


def test_values_are_bounded_and_without_secrets() -> None:
    world = World(min_duration=0)
    url = 'https://ann:' + 'x' * 60 + '@example.org'
    made = task(
        args=['--url=' + url, 'a' * 5000, 'API_TOKEN=abc'],
        labels={'db_password': 'hunter2', 'long': 'b' * 5000, 'url': 'c' * 80 + url}
        | {f'l{n}': 'v' for n in range(50)},
        binary_path='/bin/fetch',
    )
    world.start(made)
    running = only(world)
    world.complete(made, 1.0)
    over = only(world)
    for bar in (running, over):
        assert bar['command'].startswith('/bin/fetch --url=https://example.org aaaa')
        assert len(bar['command']) == 200
        assert len(bar['labels']) == 8
        assert bar['labels']['db_password'] == '***'
        assert len(bar['labels']['long']) == 100
        assert 'xxx' not in str(bar)
    assert running['labels'] == over['labels']
    (kept,) = world.board._bars.over
    assert kept.task is None
    assert kept.gist is not None
    assert sum(map(len, (*kept.gist.labels, *kept.gist.labels.values()))) < 1000
