"""The cache as a worker's handler has it."""

from __future__ import annotations

import drakkar.api as dk
from drakkar.testing import WorkerHarness, run_handler


class Remembering(dk.Handler):
    """Takes what it has seen before from the cache."""

    def on_ready(self, context):
        self.at_start = self.cache.get('seen')

    def arrange(self, messages, pending):
        tasks = []
        for message in messages:
            known = self.cache.get(message.payload)
            result = None if known is None else dk.PrecomputedResult(stdout=known)
            tasks.append(
                dk.ExecutorTask(
                    args=[message.payload], source_offsets=[message.offset], precomputed=result
                )
            )
        return tasks

    def on_task_complete(self, result):
        self.cache.set(result.task.args[0], result.stdout, scope=dk.CLUSTER)
        self.cache.set('seen', True)


PROGRAM = {'executor': {'binary_path': '/bin/echo', 'window_size': 1, 'max_executors': 1}}


def runs(harness):
    return [result.pid is not None for result in harness.record.results]


def test_a_handler_finds_what_it_kept(tmp_path):
    config = {**PROGRAM, 'cache': {'enabled': True, 'db_dir': str(tmp_path)}}
    first = run_handler(Remembering, ['a', 'b'], config=config)
    assert runs(first) == [True, True]
    assert first.handler.at_start is None
    second = run_handler(Remembering, ['b', 'c', 'b'], config=config)
    assert second.handler.at_start is True
    assert sorted(runs(second)) == [False, False, True]
    assert [path.name for path in tmp_path.iterdir()] == ['test-cache.db']


def test_without_a_folder_it_is_kept_as_long_as_the_worker_lives():
    with WorkerHarness(Remembering, config={**PROGRAM, 'cache': {'enabled': True}}) as harness:
        for count in (1, 2):
            harness.send(['a'])
            harness.wait_for(lambda: len(harness.record.done) == count)  # noqa: B023
        state = harness.worker.snapshot().cache
    assert runs(harness) == [True, False]
    assert (state.hits_memory, state.path) == (1, '')


def test_a_handler_without_a_cache_is_none_the_wiser():
    harness = run_handler(Remembering, ['a', 'a'], config=PROGRAM)
    assert runs(harness) == [True, True]
    assert harness.worker.snapshot().cache is None


def test_the_folder_is_that_of_the_recorder_by_default(tmp_path):
    config = {
        **PROGRAM,
        'debug': {'enabled': False, 'db_dir': str(tmp_path)},
        'cache': {'enabled': True},
    }
    run_handler(Remembering, ['a'], config=config)
    assert (tmp_path / 'test-cache.db').is_file()


def test_a_folder_that_can_not_be_used_stops_nobody(tmp_path):
    (tmp_path / 'file').touch()
    config = {**PROGRAM, 'cache': {'enabled': True, 'db_dir': str(tmp_path / 'file' / 'below')}}
    with WorkerHarness(Remembering, config=config) as harness:
        for count in (1, 2):
            harness.send(['a'])
            harness.wait_for(lambda: len(harness.record.done) == count)  # noqa: B023
        state = harness.worker.snapshot().cache
    assert runs(harness) == [True, False]
    assert 'below' in state.problem


def test_a_probe_leaves_the_cache_alone():
    with WorkerHarness(Remembering, config={**PROGRAM, 'cache': {'enabled': True}}) as harness:
        # One miss is that of `on_ready`.
        report = harness.probe('a')
        assert report['status'] == 'completed'
        state = harness.worker.snapshot().cache
    assert (state.memory_entries, state.misses) == (0, 1)
