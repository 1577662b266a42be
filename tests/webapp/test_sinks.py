"""With `sinks_enabled`, a request goes where messages go; the answer tells what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import drakkar.api as dk
from drakkar.models.delivery import CancelScope, Provenance
from drakkar.models.http import SinkTally
from drakkar.worker.http import SinkWatch
from tests.webapp.handlers import ShellHandler
from tests.webapp.site import Site

pytestmark = pytest.mark.slow


class First(dk.Payload):
    sink_type = 'first'


class Second(dk.Payload):
    sink_type = 'second'


class Unknown(dk.Payload):
    sink_type = 'unknown'


class Delivering(ShellHandler):
    """Two payloads to the first sink for a task, one to the second for all of them."""

    window_hook = 0

    def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload]:
        said = result.stdout.strip()
        if said == 'unknown':
            return [Unknown({})]
        if said == 'raise':
            raise RuntimeError('secret')
        return [First({'n': 1, 'said': said}), First({'n': 2, 'said': said})]

    def on_message_complete(self, group: dk.MessageGroup) -> list[dk.Payload]:
        assert group.client_name == 'anonymous'
        return [Second({'id': group.request_id})]

    def on_error(self, task: Any, error: Any) -> dk.Action:
        return dk.DLQ


@pytest.fixture
def site() -> Iterator[Site]:
    with Site(Delivering, sinks=[First, Second], sinks_enabled=True) as site:
        yield site


def counts(attempted: int, delivered: int, dlq: int = 0, errors: int = 0) -> dict[str, int]:
    return {'attempted': attempted, 'delivered': delivered, 'dlq': dlq, 'errors': errors}


def test_payloads_are_delivered_before_the_answer(site: Site) -> None:
    report = site.report({'times': 2, 'request_id': 'r1'})
    assert report['sinks'] == {'by_type': {'first': counts(4, 4), 'second': counts(1, 1)}}
    assert len(site.harness.sinks['first.captured'].payloads) == 4
    assert site.harness.sinks['second.captured'].payloads == [Second({'id': 'r1'})]
    assert report['result']['stdout'] == ['', '']


def test_a_sink_that_fails_is_told_and_the_dead_letter_queue_has_the_request(site: Site) -> None:
    site.harness.sinks['first.captured'].failures = [dk.RefusedError('no')] * 3
    report = site.report({'request_id': 'r2', 'script': 'echo x'})
    by_type = report['sinks']['by_type']
    assert by_type['first'] == counts(2, 0, dlq=2, errors=2)
    assert by_type['second'] == counts(1, 1)
    (letter,) = {id(letter): letter for letter in site.harness.dead_letters}.values()
    message = letter.message
    assert (message.topic, message.partition) == ('http', -1)
    assert b'"r2"' in (message.value or b'')
    assert message.key == b'r2'
    assert [dict(p.data)['n'] for p in letter.payloads] == [1, 2]


def test_a_task_that_fails_goes_to_the_dead_letter_queue(site: Site) -> None:
    report = site.report({'script': 'exit 4'})
    assert report['task_summary'] == {'total': 1, 'success': 0, 'failed': 1}
    assert report['sinks']['by_type'] == {'second': counts(1, 1)}
    assert [letter.stage for letter in site.harness.dead_letters] == ['execute']


def test_a_payload_for_no_sink_is_an_error_of_that_type(site: Site) -> None:
    report = site.report({'script': 'echo unknown'})
    assert report['sinks']['by_type']['unknown'] == counts(1, 0, errors=1)
    assert [letter.stage for letter in site.harness.dead_letters] == ['hook']


def test_a_hook_that_raises_is_an_error_of_the_request(site: Site) -> None:
    answer = site.post({'script': 'echo raise'})
    report = answer.json()
    assert (answer.status_code, report['status'], report['result']) == (500, 'error', None)
    assert 'on_task_complete' in report['error']
    assert 'secret' not in answer.text
    assert report['sinks']['by_type'] == {'second': counts(1, 1)}


def test_the_answer_does_not_wait_for_a_sink_longer_than_its_time() -> None:
    class Never(Delivering):
        def on_delivery_error(self, error: Any) -> dk.Action:
            return dk.RETRY

    options = {'retry_backoff_seconds': 5, 'retry_backoff_max_seconds': 5}
    with Site(
        Never,
        sinks=[First, Second],
        config={'sinks': options},
        sinks_enabled=True,
        request_timeout_seconds=2,
    ) as site:
        site.harness.sinks['first.captured'].failures = [RuntimeError('away')] * 100
        answer = site.post({})
        assert answer.status_code == 504
        assert answer.json()['sinks']['by_type']['first'] == counts(2, 0, errors=2)
        assert answer.json()['task_summary'] == {'total': 1, 'success': 1, 'failed': 0}


def test_without_sinks_nothing_leaves_and_no_hook_for_it_runs() -> None:
    with Site(Delivering, sinks=[First, Second]) as site:
        report = site.report({'script': 'echo raise'})
        assert report['sinks'] is None
        assert report['status'] == 'ok'
        assert site.report({'script': 'exit 1'})['task_summary']['failed'] == 1
        assert site.harness.payloads == []
        assert site.harness.dead_letters == []


def test_messages_are_not_counted_for_requests(site: Site) -> None:
    class Both(Delivering):
        def on_message_complete(self, group: dk.MessageGroup) -> list[dk.Payload]:
            return []

    with Site(Both, sinks=[First, Second], sinks_enabled=True) as both:
        both.harness.send([{'script': 'echo message'}] * 20)
        report = both.report({'script': 'sleep 0.2; echo request'})
        both.wait_for(lambda: len(both.harness.record.done) == 20)
        assert report['sinks']['by_type'] == {'first': counts(2, 2)}
        assert len(both.harness.payloads) == 42
        both.wait_for(lambda: both.harness.committed == {0: 20})


def test_what_is_not_delivered_when_the_time_is_over_never_is() -> None:
    class Again(Delivering):
        def on_delivery_error(self, error: Any) -> dk.Action:
            return dk.RETRY

    options = {'retry_backoff_seconds': 4, 'retry_backoff_max_seconds': 4}
    with Site(
        Again,
        sinks=[First, Second],
        config={'sinks': options},
        sinks_enabled=True,
        request_timeout_seconds=1.5,
    ) as site:
        first = site.harness.sinks['first.captured']
        first.failures = [RuntimeError('away')]
        assert site.post({}).status_code == 504
        assert site.harness.worker.parts.router.join(10)
        assert first.failures == []
        assert first.payloads == []
        assert site.harness.dead_letters == []


def test_deliveries_of_messages_do_not_count_for_a_request_of_the_same_number() -> None:
    watch, tally = SinkWatch(), SinkTally()
    watch.tallies[7] = tally
    sink, scope = dk.SinkRef('first', 'x'), CancelScope()
    for topic in ('http', 'other', 'http'):
        message = dk.SourceMessage(topic, 0, 7, b'')
        watch.sink_delivered(sink, [First({})], 0.1, [Provenance([message], scope)])
        watch.dlq_sent([dk.DeadLetter(message, 'deliver', '', payloads=[First({})], sink=sink)])
    assert (tally.delivered, tally.dead_lettered) == ({'first': 2}, {'first': 2})
