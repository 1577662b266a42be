from __future__ import annotations

import hashlib
from collections.abc import Callable

from drakkar.models.task import ExecutorResult
from tests.executor.world import World


def test_no_input_is_an_empty_one(world: World) -> None:
    assert world.run('cat').stdout == ''


def test_text_and_bytes_are_written_and_closed(world: World) -> None:
    assert world.run('cat', stdin='grüße').stdout == 'grüße'
    assert world.run('cat', stdin=b'bytes').stdout == 'bytes'
    assert world.run('cat', stdin='').stdout == ''


def test_big_input_and_big_output_at_once(make_world: Callable[..., World]) -> None:
    world = make_world(max_stdout_bytes=0)
    data = hashlib.shake_256(b'drakkar').hexdigest(5 << 20)
    runs = [world.submit('cat', stdin=data) for _ in range(3)]
    assert all(run.outcome().stdout == data for run in runs)


def test_program_that_never_reads_its_input_succeeds(world: World) -> None:
    for stdin in (b'small', b'x' * (10 << 20)):
        outcome = world.run('ok', stdin=stdin)
        assert isinstance(outcome, ExecutorResult)
        assert outcome.stdout == 'ok\n'
