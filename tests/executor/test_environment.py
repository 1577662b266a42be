from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from drakkar.errors import ConfigError
from drakkar.executor.env import POOL_VARIABLE
from drakkar.models.task import ExecutorTask, FailureKind
from tests.executor.world import World

pytestmark = pytest.mark.slow

WORKERS = {
    'PATH': '/bin',
    'LANG': 'C',
    'DK_DEBUG__AUTH': 'x',
    'dk_lower': 'x',
    'PGPASSWORD': 'x',
    'My_Secret_Sauce': 'x',
    'API_KEY': 'x',
    'KEYBOARD': 'de',
}


def environment_of(world: World, **fields: object) -> dict[str, str]:
    lines = world.run('environment', **fields).stdout.splitlines()
    seen = dict(line.split('=', 1) for line in lines)
    assert len(seen) == len(lines)
    assert len(seen.pop(POOL_VARIABLE)) == 32
    return seen


def test_secrets_of_the_worker_are_not_inherited(make_world: Callable[..., World]) -> None:
    world = make_world(environ=WORKERS)
    assert environment_of(world) == {'PATH': '/bin', 'LANG': 'C', 'KEYBOARD': 'de'}


def test_own_variables_win_and_are_not_filtered(make_world: Callable[..., World]) -> None:
    world = make_world(environ=WORKERS, env={'LANG': 'de', 'APP_SECRET': 's', POOL_VARIABLE: 'x'})
    seen = environment_of(world, env={'APP_SECRET': 'task', 'MORE': 'a=b', POOL_VARIABLE: 'x'})
    assert seen['LANG'] == 'de'
    assert (seen['APP_SECRET'], seen['MORE']) == ('task', 'a=b')
    assert environment_of(world)['APP_SECRET'] == 's'


def test_nothing_is_inherited_where_that_is_off(make_world: Callable[..., World]) -> None:
    world = make_world(environ=WORKERS, env_inherit_parent=False, env={'A': '1'})
    assert environment_of(world) == {'A': '1'}


def test_deny_list_can_be_replaced(make_world: Callable[..., World]) -> None:
    world = make_world(environ=WORKERS, env_inherit_deny=['[a-o]*', 'path'])
    assert set(environment_of(world)) == {'PGPASSWORD'}


def test_the_mark_of_another_pool_is_replaced(make_world: Callable[..., World]) -> None:
    world = make_world(environ={POOL_VARIABLE: 'outer'})
    assert environment_of(world) == {}


# Limits


def limits_of(world: World) -> str:
    # More than a pipe takes, so that the program has all of it only after its limits, which are
    # put on from outside, a moment after the start.
    stdout: str = world.run('limits', stdin=b'x' * (4 << 20)).stdout
    return stdout


def test_limits_are_seen_by_the_program(make_world: Callable[..., World]) -> None:
    nice = os.getpriority(os.PRIO_PROCESS, 0) + 3
    limits = {'cpu_seconds': 7, 'address_space_bytes': 1 << 30, 'open_files': 33, 'nice': nice}
    world = make_world(limits=limits)
    assert limits_of(world) == f'7 {1 << 30} 33 {nice}\n'
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] != 33


def test_limits_unset_change_nothing(world: World) -> None:
    cpu, _, files, nice = limits_of(world).split()
    assert int(files) == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert int(nice) == os.getpriority(os.PRIO_PROCESS, 0)
    assert int(cpu) > 1 << 60


def test_limit_above_the_workers_own_is_lowered_to_it(make_world: Callable[..., World]) -> None:
    own = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    world = make_world(limits={'open_files': own + 1000})
    assert limits_of(world).split()[2] == str(own)


def test_cpu_limit_ends_the_program_by_its_signal(make_world: Callable[..., World]) -> None:
    world = make_world(limits={'cpu_seconds': 1})
    outcome = world.run('burn')
    assert (outcome.kind, outcome.exception) == (FailureKind.KILLED, 'killed by SIGXCPU')


# The program


def test_program_is_found_through_path(make_world: Callable[..., World], programs: Path) -> None:
    world = make_world(environ={'PATH': str(programs)}, binary_path='ok')
    assert world.submit_task(ExecutorTask()).outcome().stdout == 'ok\n'
    task = ExecutorTask(binary_path='args', args=['a'])
    assert world.submit_task(task).outcome().stdout == 'a|'


def test_program_with_a_slash_is_relative_to_the_folder(
    make_world: Callable[..., World], programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(programs.parent)
    world = make_world(environ={'PATH': '/nowhere'}, binary_path=f'{programs.name}/ok')
    assert world.submit_task(ExecutorTask()).outcome().stdout == 'ok\n'


def test_program_that_moved_is_looked_up_again(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    for name in ('first', 'second'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'tool').write_text(f'#!/bin/sh\necho {name}\n')
        (tmp_path / name / 'tool').chmod(0o755)
    world = make_world(environ={'PATH': f'{tmp_path}/first:{tmp_path}/second'})
    task = ExecutorTask(binary_path='tool')
    assert world.submit_task(task).outcome().stdout == 'first\n'
    (tmp_path / 'first/tool').unlink()
    assert world.submit_task(task).outcome().kind is FailureKind.SPAWN
    assert world.submit_task(task).outcome().stdout == 'second\n'


@pytest.mark.parametrize(
    ('path', 'problem'),
    [
        ('/nowhere/tool', 'does not exist'),
        ('no-such-tool-anywhere', 'is not in PATH'),
        ('{tmp}', 'is a directory'),
        ('{tmp}/text', 'is not executable'),
    ],
)
def test_start_refuses_a_program_that_can_not_run(
    make_world: Callable[..., World], tmp_path: Path, path: str, problem: str
) -> None:
    (tmp_path / 'text').write_text('text')
    path = path.format(tmp=tmp_path)
    world = make_world(binary_path=path, start=False)
    with pytest.raises(ConfigError) as raised:
        world.pool.start()
    assert str(raised.value) == f'[executor] binary_path = {path!r} {problem}'


def test_limit_that_is_refused_is_logged_once(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr('drakkar.executor.limits.os.setpriority', refuse)
    world = make_world(limits={'nice': -5})
    with capture_logs() as logs:
        assert [world.run('ok').exit_code for _ in range(2)] == [0, 0]
    assert [line['event'] for line in logs] == ['executor_limits_refused']
