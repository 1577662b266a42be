"""What the report of a probe says of the message, the hooks and the runs."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from marshmallow import Schema, fields, post_load

import drakkar.api as dk
from drakkar.errors import AmbiguousSinkError
from drakkar.models.delivery import CancelScope, Provenance, SinkRef
from drakkar.worker.probe.ends import ProbeDelivery
from drakkar.worker.probe.journal import Journal
from tests.pipeline.handlers import Lost, Out, ShellHandler, shell
from tests.worker.probe.handlers import Everything
from tests.worker.probe.reporting import Run

pytestmark = pytest.mark.slow

HOSTILE = '<script>alert(1)</script>\x1b[31m'


def test_all_hooks_and_their_payloads(reported: Run) -> None:
    report = reported(Everything, {'name': 'n', 'runs': ['echo one', 'echo two']})
    assert (report['status'], report['offset_complete']) == ('completed', True)
    assert report['message']['label'] == 'request n'
    assert report['decode'] == {
        'ok': True,
        'error': '',
        'payload': {
            'value': {'name': 'n', 'runs': ['echo one', 'echo two']},
            'truncated': False,
            'problem': '',
        },
    }
    hooks = [call['hook'] for call in report['hooks']]
    assert sorted(hooks) == [
        'arrange',
        'on_message_complete',
        'on_task_complete',
        'on_task_complete',
        'on_window_complete',
    ]
    assert hooks[0] == 'arrange'
    assert hooks[-2:] == ['on_message_complete', 'on_window_complete']
    assert [p['value'] for p in report['hooks'][-2]['payloads']] == [
        {'sink_type': 'out', 'sink': '', 'data': {'tasks': 2}},
        {'sink_type': 'out', 'sink': '', 'data': {'failed': 0}},
    ]
    assert report['sinks'] == {'out.captured': 5}
    assert report['exceptions'] == report['dead_letters'] == []
    assert report['left_out'] == {}


def test_tasks_with_all_that_they_were_given(reported: Run) -> None:
    class Handler(ShellHandler):
        def arrange(self, messages: Any, pending: Any) -> list[dk.ExecutorTask]:
            return [
                shell(
                    'cat; echo to stderr >&2; echo $PLAIN',
                    [m.offset for m in messages],
                    stdin='five!',
                    env={'PLAIN': 'seen', 'API_TOKEN': 'secret'},
                    labels={'kind': HOSTILE},
                    metadata={'set': {1}},
                )
            ]

    report = reported(Handler, {}, topic='requests', partition=3, offset=77)
    (task,) = report['tasks']
    assert task['args'] == ['-c', 'cat; echo to stderr >&2; echo $PLAIN']
    assert task['binary_path'] == '/bin/sh'
    assert task['source_offsets'] == [77]
    assert task['stdin']['bytes'] == 5
    assert task['labels'] == {'kind': HOSTILE}
    assert task['env'] == {'PLAIN': 'seen', 'API_TOKEN': '***'}
    assert task['metadata']['value'] == {'set': [1]}
    (attempt,) = task['attempts']
    assert attempt['status'] == 'completed'
    assert attempt['exit_code'] == 0
    assert attempt['pid'] > 0
    assert attempt['stdout'] == {'text': 'five!seen\n', 'characters': 10, 'truncated': False}
    assert attempt['stderr']['text'] == 'to stderr\n'


def test_retries_are_bounded_and_each_decision_is_told(reported: Run) -> None:
    config = {'executor': {'max_retries': 2, 'retry_backoff_seconds': 30}}
    report = reported(ShellHandler, {'run': 'echo broken >&2; exit 4'}, config)
    attempts = report['tasks'][0]['attempts']
    assert [(a['status'], a['exit_code'], a['action']) for a in attempts] == [
        ('exit', 4, 'retry'),
        ('exit', 4, 'retry'),
        ('exit', 4, 'dlq'),
    ]
    (letter,) = report['dead_letters']
    assert letter['stage'] == 'execute'
    assert letter['error'] == 'exit code 4: broken'
    assert letter['attempts'] == 3
    assert report['offset_complete']
    assert report['duration_seconds'] < 20  # nobody waits half a minute for a retry here
    stages = [span['stage'] for span in report['timeline']]
    assert stages.count('execute') == 3
    assert stages.count('backoff') == 2


def test_replacement_tasks_name_their_parent(reported: Run) -> None:
    class Handler(ShellHandler):
        def on_error(self, task: Any, error: Any) -> list[dk.ExecutorTask]:
            return [shell('echo instead', task.source_offsets)]

    report = reported(Handler, {'run': 'exit 1'})
    first, second = report['tasks']
    assert first['attempts'][0]['action'] == 'replace'
    assert second['parent_task_id'] == first['task_id']
    assert second['attempts'][0]['stdout']['text'] == 'instead\n'


def test_precomputed_tasks_need_no_program(reported: Run) -> None:
    class Handler(ShellHandler):
        def arrange(self, messages: Any, pending: Any) -> list[dk.ExecutorTask]:
            ready = [dk.PrecomputedResult('hit'), dk.PrecomputedResult('', 'bad', 9)]
            return [
                dk.ExecutorTask(source_offsets=[m.offset], precomputed=result)
                for m in messages
                for result in ready
            ]

        def on_error(self, task: Any, error: Any) -> dk.Action:
            return dk.SKIP

    hit, bad = reported(Handler, {})['tasks']
    assert hit['precomputed']
    assert hit['attempts'][0]['stdout']['text'] == 'hit'
    assert hit['attempts'][0]['pid'] is None
    assert (bad['attempts'][0]['exit_code'], bad['attempts'][0]['action']) == (9, 'skip')


def test_an_exception_comes_with_its_traceback_and_is_counted(reported: Run) -> None:
    class Handler(ShellHandler):
        def arrange(self, messages: Any, pending: Any) -> list[dk.ExecutorTask]:
            raise LookupError(HOSTILE)

    report = reported(Handler, {}, {'executor': {'max_retries': 1}})
    (caught,) = report['exceptions']
    assert caught['hook'] == 'arrange'
    assert caught['error'] == f'LookupError: {HOSTILE}'
    assert 'raise LookupError(HOSTILE)' in caught['traceback']
    assert 'pipeline/hooks.py' not in caught['traceback']
    assert caught['times'] == 2
    assert [call['error'] for call in report['hooks']] == [caught['error']] * 2
    assert report['dead_letters'][0]['stage'] == 'arrange'


def test_a_hook_that_returns_what_it_may_not(reported: Run) -> None:
    class Handler(ShellHandler):
        def on_task_complete(self, result: Any) -> Any:
            return 'text'

    report = reported(Handler, {'run': 'true'})
    assert "on_task_complete returned 'text'" in report['exceptions'][0]['error']
    assert "on_task_complete returned 'text'" in report['hooks'][-1]['error']


def test_payloads_without_a_sink_are_named_as_the_router_would(reported: Run) -> None:
    class Handler(ShellHandler):
        def on_task_complete(self, result: Any) -> list[dk.Payload]:
            return [Out({'fine': 1}), Lost({}), Out({}, sink='captive')]

    report = reported(Handler, {'run': 'true'})
    fine, lost, misspelled = report['hooks'][1]['payloads']
    assert (fine['sink'], fine['error']) == ('out.captured', '')
    assert lost['error'].startswith("SinkNotConfiguredError: Lost needs a sink of type 'nowhere'")
    assert misspelled['error'].endswith("did you mean 'captured'?")
    assert report['unroutable'] == 2
    assert report['sinks'] == {}
    assert report['dead_letters'][0]['stage'] == 'hook'  # the router refuses them all


def test_an_ambiguous_payload() -> None:
    journal = Journal()
    delivery = ProbeDelivery([SinkRef('out', 'one'), SinkRef('out', 'two')], journal)
    call = journal.hook_begins('on_window_complete', '')
    provenance = Provenance([], CancelScope(), 'on_window_complete')
    with pytest.raises(AmbiguousSinkError):
        delivery.submit([Out({}), Out({}, sink='two')], provenance, lambda: None)
    assert [p['sink'] for p in call.payloads] == ['', 'out.two']
    assert call.error == call.payloads[0]['error']
    assert call.error.endswith('sink= must be one of one, two')


@dataclasses.dataclass
class Thing:
    name: str


class ThingSchema(Schema):
    name = fields.Str(required=True)

    @post_load
    def make(self, data: Any, **kwargs: Any) -> Thing:
        return Thing(**data)


class WithSchema(ShellHandler):
    input_schema = ThingSchema

    def arrange(self, messages: Any, pending: Any) -> list[dk.ExecutorTask]:
        return [
            shell(f'echo {m.payload.name if m.payload else None}', [m.offset]) for m in messages
        ]


def test_a_schema_s_object_is_shown(reported: Run) -> None:
    report = reported(WithSchema, {'name': 'x'})
    assert report['decode']['payload']['value'] == {'name': 'x'}


@pytest.mark.parametrize(
    ('policy', 'letters', 'tasks'), [('dlq', 1, 0), ('skip', 0, 0), ('pass', 0, 1)]
)
def test_what_does_not_decode_goes_by_the_policy(
    reported: Run, policy: str, letters: int, tasks: int
) -> None:
    report = reported(WithSchema, {'nome': 'x'}, {'source': {'on_parse_error': policy}})
    assert not report['decode']['ok']
    assert 'Missing data for required field' in report['decode']['error']
    assert len(report['dead_letters']) == letters
    assert len(report['tasks']) == tasks
    assert report['timeline'][0]['failed']


def test_a_raw_handler_gets_the_bytes(reported: Run) -> None:
    class Raw(dk.Handler):
        input_format = 'raw'

        def arrange(
            self, messages: Sequence[dk.SourceMessage], pending: Any
        ) -> list[dk.ExecutorTask]:
            return [shell('od -An -tx1', [m.offset], stdin=m.payload) for m in messages]

    value = b'\xff\x00\xfe'
    report = reported(Raw, value, key='k', headers={'h': 'v'})
    assert report['tasks'][0]['attempts'][0]['stdout']['text'].split() == ['ff', '00', 'fe']
    assert report['message']['value'] == {
        'text': base64.b64encode(value).decode(),
        'encoding': 'base64',
        'bytes': 3,
        'truncated': False,
    }
    assert report['message']['key']['text'] == 'k'
    assert report['message']['headers'][0]['name'] == 'h'


def test_the_timeline_is_in_order_and_inside_the_probe(reported: Run) -> None:
    report = reported(Everything, {'name': 'n', 'run': 'sleep 0.05'})
    timeline = report['timeline']
    starts = [span['start'] for span in timeline]
    assert starts == sorted(starts)
    stages = [span['stage'] for span in timeline]
    assert stages[:2] == ['decode', 'arrange']
    run = next(span for span in timeline if span['stage'] == 'execute')
    assert run['duration'] >= 0.05
    assert run['label'] == report['tasks'][0]['task_id']
    end = report['duration_seconds']
    assert all(0 <= s['start'] <= s['start'] + s['duration'] <= end + 0.01 for s in timeline)
