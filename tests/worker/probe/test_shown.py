"""What is too much or can not be written is cut or named, and the report says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

import drakkar.api as dk
from tests.pipeline.handlers import Out, ShellHandler
from tests.worker.probe.reporting import Run

pytestmark = pytest.mark.slow


class Unwritable(dk.Payload):
    sink_type = 'out'

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.when = object()

    def plain(self) -> Any:
        raise RuntimeError('no plain form')


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError('no repr either')


def test_payloads_that_can_not_be_written_are_reported(reported: Run) -> None:
    class Handler(ShellHandler):
        def on_task_complete(self, result: Any) -> list[dk.Payload]:
            loop: list[Any] = []
            loop.append(loop)
            return [
                Unwritable({'a': 1}),
                Out({'bytes': b'x'}),
                Out(Unprintable()),
                Out(loop),
                Out('\ud800'),
                Out({'fine': 1}),
            ]

    report = reported(Handler, {'run': 'true'})
    payloads = report['hooks'][1]['payloads']
    assert payloads[0]['problem'] == 'RuntimeError: no plain form'
    assert payloads[0]['value']['data'] == {'a': 1}
    assert [bool(p['problem']) for p in payloads] == [True] * 5 + [False]
    assert 'no repr' not in payloads[2]['value']['data']
    assert report['status'] == 'completed'


def test_large_outputs_are_cut_and_say_so(reported: Run) -> None:
    report = reported(ShellHandler, {'run': 'head -c 300000 /dev/zero | tr "\\0" x'})
    stdout = report['tasks'][0]['attempts'][0]['stdout']
    assert (len(stdout['text']), stdout['characters'], stdout['truncated']) == (65536, 300000, True)
    payload = report['hooks'][-1]['payloads'][0]
    assert payload['truncated']
    assert len(payload['value']) == 65536


def test_a_wide_fan_out_runs_whole_and_is_shown_in_part(reported: Run) -> None:
    class Wide(dk.Handler):
        def arrange(self, messages: Any, pending: Any) -> list[dk.ExecutorTask]:
            hit = dk.PrecomputedResult('x' * 100_000)
            return [
                dk.ExecutorTask(source_offsets=[m.offset], precomputed=hit)
                for m in messages
                for _ in range(300)
            ]

        def on_message_complete(self, group: dk.MessageGroup) -> list[dk.Payload]:
            return [Out({'tasks': group.succeeded})] * 250

    report = reported(Wide, {})
    assert len(report['tasks']) == 200
    assert report['left_out']['tasks'] >= 100
    (call,) = [c for c in report['hooks'] if c['hook'] == 'on_message_complete']
    assert (len(call['payloads']), call['more_payloads']) == (200, 50)
    assert report['sinks'] == {'out.captured': 250}
    assert len(json.dumps(report)) < 6 * 1024 * 1024


def test_the_payloads_of_many_calls_are_bounded(reported: Run) -> None:
    class Productive(dk.Handler):
        def arrange(self, messages: Any, pending: Any) -> list[dk.ExecutorTask]:
            hit = dk.PrecomputedResult('')
            return [dk.ExecutorTask(source_offsets=[0], precomputed=hit) for _ in range(30)]

        def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload]:
            return [Out({})] * 100

    report = reported(Productive, {})
    assert sum(len(call['payloads']) for call in report['hooks']) == 2000
    assert sum(call['more_payloads'] for call in report['hooks']) == 1000
    assert report['sinks'] == {'out.captured': 3000}


def test_what_a_task_was_given_is_bounded(reported: Run) -> None:
    class Lavish(ShellHandler):
        def arrange(self, messages: Any, pending: Any) -> list[dk.ExecutorTask]:
            many = {f'name{n}': 'x' * 400 for n in range(100)}
            args = ['x' * 1000] * 50
            hit = dk.PrecomputedResult('', '', 1)
            return [
                dk.ExecutorTask(args, [0], b'x' * 10_000, many, many, many, precomputed=hit)
                for _ in range(250)
            ]

        def on_error(self, task: Any, error: Any) -> dk.Action:
            return dk.DLQ

    report = reported(Lavish, {})
    task = report['tasks'][0]
    assert (len(task['args']), task['args_count']) == (4, 50)
    assert task['stdin']['truncated']
    assert task['metadata']['truncated']
    assert 5 < len(task['labels']) < 12
    assert task['env'] == task['labels']
    assert len(report['dead_letters']) == 200
    assert report['left_out']['dead_letters'] == 50
    assert len(json.dumps(report)) < 6 * 1024 * 1024


def test_nonsense_in_a_task_is_shown_as_it_is(reported: Run) -> None:
    class Careless(dk.Handler):
        def arrange(self, messages: Any, pending: Any) -> list[dk.ExecutorTask]:
            loop: dict[str, Any] = {}
            loop['self'] = loop
            wrong: Any = Unprintable()
            return [
                dk.ExecutorTask(
                    args=wrong,
                    source_offsets=[0],
                    binary_path='/bin/sh',
                    env=wrong,
                    stdin=wrong,
                    labels={1: wrong},  # type: ignore[dict-item]
                    metadata=loop,
                )
            ]

        def on_error(self, task: Any, error: Any) -> dk.Action:
            return dk.SKIP

    (task,) = reported(Careless, {})['tasks']
    assert task['attempts'][0]['status'] == 'spawn'
    assert task['args'] == ['<Unprintable, whose repr raised RuntimeError>']
    assert task['labels'] == {'1': task['args'][0]}
    assert list(task['env']) == ['?']
    assert task['metadata']['problem']


def test_the_report_of_many_annotations_is_bounded(reported: Run) -> None:
    class Talkative(ShellHandler):
        def arrange(self, messages: Any, pending: Any) -> list[dk.ExecutorTask]:
            for _ in range(300):
                self.annotate('x' * 60_000)
            return []

    report = reported(Talkative, {})
    assert len(report['annotations']) == 200
    assert report['left_out']['annotations'] == 100
    assert report['annotations'][-1]['truncated']
    assert len(json.dumps(report)) < 6 * 1024 * 1024
