"""Messages that do not decode: each ends as `source.on_parse_error` says, and is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import marshmallow as ma
import pytest
from structlog.testing import capture_logs

import drakkar.api as dk
from drakkar.testing import WorkerHarness, run_handler
from tests.pipeline.handlers import Out, ShellHandler


class Strict(ma.Schema):
    run = ma.fields.String(required=True)


class StrictHandler(ShellHandler):
    input_schema = Strict


BAD = [b'{"run": 1}', b'{', b'', None]


def run_bad(policy: str, handler: type[dk.Handler] = StrictHandler) -> WorkerHarness:
    messages: list[Any] = [*BAD, {'run': 'echo good'}]
    return run_handler(
        handler, messages, sinks=[Out], config={'source': {'on_parse_error': policy}}
    )


def test_what_does_not_decode_goes_to_the_dead_letter_queue_as_it_came() -> None:
    run = run_bad('dlq')
    assert [letter.message.value for letter in run.dead_letters] == BAD
    assert {letter.stage for letter in run.dead_letters} == {'parse'}
    assert 'Not a valid string' in run.dead_letters[0].error
    assert [p.data for p in run.payloads] == ['good']
    assert run.committed == {0: 5}


def test_skip_completes_what_does_not_decode() -> None:
    run = run_bad('skip')
    assert not run.dead_letters
    assert run.committed == {0: 5}


def test_pass_hands_it_to_arrange_without_a_payload() -> None:
    class Sees(StrictHandler):
        payloads: ClassVar[list[Any]] = []

        def arrange(
            self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
        ) -> list[dk.ExecutorTask]:
            self.payloads += [m.payload for m in messages]
            return []

    run_bad('pass', Sees)
    assert Sees.payloads == [None] * 4 + [{'run': 'echo good'}]


class Crashes(ma.Schema):
    run = ma.fields.String()

    @ma.pre_load
    def look(self, data: Any, **kwargs: Any) -> Any:
        return {'run': data['script'].strip()}


class CrashingSchema(ShellHandler):
    input_schema = Crashes


def test_a_schema_that_raises_is_a_message_that_does_not_decode() -> None:
    messages = [{'script': 3}, {}, [], {'script': 'echo good'}, b'[' * 100_000]
    run = run_handler(CrashingSchema, messages, sinks=[Out])
    assert {letter.stage for letter in run.dead_letters} == {'parse'}
    assert [letter.message.offset for letter in run.dead_letters] == [0, 1, 2, 4]
    assert 'Crashes raised AttributeError' in run.dead_letters[0].error
    assert [p.data for p in run.payloads] == ['good']
    assert run.committed == {0: 5}


class Labelled(StrictHandler):
    def message_label(self, message: dk.SourceMessage) -> str:
        return f'request {message.offset}'

    def on_error(self, task: dk.ExecutorTask, error: dk.ExecutorError) -> dk.Action:
        return dk.SKIP


def test_the_log_names_messages_by_their_label() -> None:
    with capture_logs() as logs:
        run_handler(Labelled, [b'{', {'run': 'exit 1'}], sinks=[Out])
    named = {line['event']: line for line in logs}
    assert named['parse_failed']['message'] == 'request 0'
    assert named['task_failed']['messages'] == ['request 1']


class LabelledByPayload(StrictHandler):
    def message_label(self, message: dk.SourceMessage) -> str:
        return f'request {message.payload["run"]}'


@pytest.mark.parametrize(('policy', 'letters'), [('dlq', 1), ('skip', 0)])
def test_a_label_that_needs_the_payload_falls_back_where_there_is_none(
    policy: str, letters: int
) -> None:
    config = {'source': {'on_parse_error': policy}}
    with capture_logs() as logs:
        run = run_handler(
            LabelledByPayload, [b'{', {'run': 'echo good'}], sinks=[Out], config=config
        )
    raised, failed = (line for line in logs if line['event'] in ('hook_failed', 'parse_failed'))
    assert (raised['hook'], raised['offset'], raised['log_level']) == ('message_label', 0, 'error')
    assert (failed['message'], failed['action']) == ('0:0', policy)
    assert [hook for hook, _ in run.record.hook_errors] == ['message_label']
    assert len(run.dead_letters) == letters
    assert [p.data for p in run.payloads] == ['good']
    assert run.committed == {0: 2}
