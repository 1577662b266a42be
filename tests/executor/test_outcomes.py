"""What each kind of program ends as."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from unittest.mock import ANY

import pytest

from drakkar.models.task import ExecutorError, ExecutorResult, ExecutorTask, FailureKind
from tests.executor.world import World
from tests.leaks import descriptors


def test_success_carries_all_that_is_known(world: World) -> None:
    task = ExecutorTask(binary_path=world.program('ok'))
    outcome = world.submit_task(task, attempt=3).outcome()
    assert isinstance(outcome, ExecutorResult)
    assert (outcome.task, outcome.exit_code, outcome.stdout, outcome.stderr) == (
        task,
        0,
        'ok\n',
        '',
    )
    assert (outcome.pid, outcome.slot, outcome.attempt) == (world.observer.pids[0], 0, 3)
    assert 0 < outcome.duration_seconds < 10
    assert 0 <= outcome.queue_seconds < 10
    assert not outcome.stdout_truncated
    assert not outcome.stderr_truncated
    assert world.observer.times == [(outcome.queue_seconds, ANY)]


def test_non_zero_exit_keeps_the_output(world: World) -> None:
    outcome = world.run('fail', '5')
    assert isinstance(outcome, ExecutorError)
    assert (outcome.kind, outcome.exit_code) == (FailureKind.EXIT, 5)
    assert (outcome.stdout, outcome.stderr) == ('partial\n', 'went wrong\n')
    assert outcome.summary == 'exit code 5: went wrong'
    assert (outcome.pid, outcome.slot) == (world.observer.pids[0], 0)


@pytest.mark.parametrize(
    ('number', 'name'), [(9, 'SIGKILL'), (11, 'SIGSEGV'), (15, 'SIGTERM'), (40, 'signal 40')]
)
def test_killed_by_a_signal_of_others(world: World, number: int, name: str) -> None:
    outcome = world.run('suicide', str(number))
    assert (outcome.kind, outcome.exit_code) == (FailureKind.KILLED, -number)
    assert outcome.exception == f'killed by {name}'


def test_arguments_are_passed_as_they_are(world: World) -> None:
    args = ['a b', '$HOME `id`; rm -rf *', 'line\nbreak', '', '"quoted\'', 'ünïcode', '-x', '\\']
    assert world.run('args', *args).stdout == ''.join(arg + '|' for arg in args)


def test_program_that_closes_its_output_early_runs_on(world: World) -> None:
    outcome = world.run('close_stdout', '80')
    assert (outcome.kind, outcome.exit_code, outcome.stdout) == (FailureKind.EXIT, 7, 'early\n')
    assert outcome.duration_seconds >= 0.08


def test_invalid_utf8_is_replaced_and_a_split_character_is_whole(world: World) -> None:
    assert world.run('bad_utf8').stdout == 'a\ufffdb€c'


def test_flood_is_read_on_but_kept_only_up_to_the_cap(make_world: Callable[..., World]) -> None:
    world = make_world(max_stdout_bytes=1_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = world.run('flood', '1024')
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert isinstance(outcome, ExecutorResult)
    assert outcome.stdout == 'x' * 1_000_000
    assert outcome.stdout_truncated
    assert not outcome.stderr_truncated
    assert grown < 32 * 1024  # KiB, of 1 GiB that went through


def test_output_of_just_the_cap_is_not_truncated(make_world: Callable[..., World]) -> None:
    world = make_world(max_stdout_bytes=1 << 20)
    outcome = world.run('flood', '1')
    assert (len(outcome.stdout), outcome.stdout_truncated) == (1 << 20, False)


def test_cap_of_zero_is_none(make_world: Callable[..., World]) -> None:
    world = make_world(max_stdout_bytes=0)
    outcome = world.run('flood', '20')
    assert (len(outcome.stdout), outcome.stdout_truncated) == (20 << 20, False)


def test_cap_never_leaves_half_a_character(make_world: Callable[..., World]) -> None:
    world = make_world(max_stdout_bytes=5)
    outcome = world.run('cat', stdin='€€€')
    assert (outcome.stdout, outcome.stdout_truncated) == ('€', True)


def test_error_output_has_its_own_cap(make_world: Callable[..., World]) -> None:
    world = make_world(max_stderr_bytes=4)
    outcome = world.run('fail', '1')
    assert (outcome.stdout, outcome.stderr) == ('partial\n', 'went')
    assert (outcome.stdout_truncated, outcome.stderr_truncated) == (False, True)


# What can not be started


def spawn_error(world: World, task: ExecutorTask) -> str:
    outcome = world.submit_task(task).outcome()
    assert isinstance(outcome, ExecutorError)
    assert (outcome.kind, outcome.exit_code, outcome.pid) == (FailureKind.SPAWN, None, None)
    return outcome.exception


def test_missing_program(world: World) -> None:
    text = spawn_error(world, ExecutorTask(binary_path='/nowhere/tool'))
    assert text == "can not start '/nowhere/tool': No such file or directory"
    text = spawn_error(world, ExecutorTask(binary_path='no-such-tool-anywhere'))
    assert text == "can not start 'no-such-tool-anywhere': No such file or directory"


def test_program_that_is_not_executable(world: World, tmp_path: Path) -> None:
    (tmp_path / 'tool').write_text('#!/bin/sh\n')
    text = spawn_error(world, ExecutorTask(binary_path=str(tmp_path / 'tool')))
    assert text == f"can not start '{tmp_path}/tool': Permission denied"
    text = spawn_error(world, ExecutorTask(binary_path=str(tmp_path)))
    assert text == f"can not start '{tmp_path}': Permission denied"


def test_program_of_a_bad_format(world: World, tmp_path: Path) -> None:
    tool = tmp_path / 'tool'
    tool.write_text('no program, no script\n')
    tool.chmod(0o755)
    assert 'Exec format error' in spawn_error(world, ExecutorTask(binary_path=str(tool)))


def test_script_whose_interpreter_is_missing(world: World, tmp_path: Path) -> None:
    tool = tmp_path / 'tool'
    tool.write_text('#!/nowhere/python\n')
    tool.chmod(0o755)
    assert 'interpreter' in spawn_error(world, ExecutorTask(binary_path=str(tool)))


def test_argument_list_too_long(world: World) -> None:
    task = ExecutorTask(args=['x' * 200_000], binary_path=world.program('ok'))
    assert spawn_error(world, task).endswith('Argument list too long')


@pytest.mark.parametrize(
    'fields',
    [
        {'args': ['nul\0byte']},
        {'args': ['surrogate\ud800']},
        {'args': [5]},
        {'stdin': 'surrogate\ud800'},
        {'stdin': 5},
        {'env': {'A=B': 'c'}},
        {'env': {'A': 'nul\0byte'}},
        {'env': {'A': 5}},
        {'binary_path': 'nul\0byte'},
    ],
)
def test_tasks_that_no_system_call_takes(world: World, fields: dict[str, object]) -> None:
    task = ExecutorTask(**{'binary_path': world.program('ok'), **fields})  # type: ignore[arg-type]
    assert spawn_error(world, task).startswith('can not start ')
    assert world.run('ok').stdout == 'ok\n'


def test_no_program_at_all_says_which_option_to_set(world: World) -> None:
    assert '[executor] binary_path' in spawn_error(world, ExecutorTask())


def test_too_many_open_files(world: World) -> None:
    world.run('ok')  # opens what is opened once
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(name) for name in os.listdir('/proc/self/fd')) + 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (used, hard))
    fill: list[int] = []
    try:
        with contextlib.suppress(OSError):
            while True:
                fill.append(os.dup(0))
        text = spawn_error(world, ExecutorTask(binary_path=world.program('ok')))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in fill:
            os.close(fd)
    assert text.endswith('Too many open files')
    assert world.run('ok').stdout == 'ok\n'


def test_programs_start_with_default_signals_and_a_session(world: World) -> None:
    assert signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN
    assert world.run('signals').stdout == '0 0 1\n'


@pytest.mark.parametrize('stdin', [None, 'text'])
def test_programs_get_three_blocking_descriptors(world: World, stdin: str | None) -> None:
    handed_down = [fd for fd in descriptors() if fd > 2 and is_inheritable(fd)]
    assert world.run('descriptors', stdin=stdin).stdout == f'{3 + len(handed_down)} 0\n'


def is_inheritable(fd: int) -> bool:
    try:
        return os.get_inheritable(fd)
    except OSError:  # the one that listed the folder
        return False
