"""/live and its JSON twin over HTTP, of a worker that really runs programs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

import drakkar.api as dk
from drakkar.testing import WorkerHarness
from drakkar.ui.data.live import ARRANGED, BAR, COLLECTED, EARLIER, LIVE
from drakkar.ui.wiring import add_ui
from drakkar_sink_kafka.payload import KafkaPayload

MESSAGES = 3


class Succeeds(dk.Handler):
    def arrange(self, messages, pending):
        return [dk.ExecutorTask(args=['-c', 'exit 0'], source_offsets=[m.offset]) for m in messages]

    def on_task_complete(self, result):
        return [KafkaPayload(data={}, key=b'1')]


@pytest.fixture(scope='module')
def url() -> Iterator[str]:
    """The UI of a worker that has done its work."""
    harness = WorkerHarness(
        Succeeds,
        config={
            'executor': {'binary_path': '/bin/sh', 'max_executors': 2},
            'debug': {'port': 0, 'ws_min_duration_ms': 0},
        },
        sinks=['kafka.results'],
    )
    server = add_ui(harness.worker)
    assert server is not None
    with harness:
        harness.send([{} for _ in range(MESSAGES)])
        harness.wait_for(lambda: len(harness.record.done) == MESSAGES)
        yield server.url


def get(url: str) -> requests.Response:
    return requests.get(url, headers={'Connection': 'close'}, timeout=10)


def fields(schema: dict) -> set[str]:
    return set(schema['required'])


def test_the_json_is_what_the_schema_says(url: str) -> None:
    state = get(f'{url}/api/live').json()
    assert set(state) == fields(LIVE)
    assert len(state['bars']) == len(state['collected']) == MESSAGES
    assert {frozenset(bar) for bar in state['bars']} == {frozenset(fields(BAR))}
    assert {frozenset(call) for call in state['arranged']} == {frozenset(fields(ARRANGED))}
    assert {frozenset(call) for call in state['collected']} == {frozenset(fields(COLLECTED))}
    assert state['collected'][0]['outputs'] == {'kafka': 1}


def test_earlier_bars_come_page_by_page(url: str) -> None:
    page = get(f'{url}/api/live/bars?limit=2').json()
    assert set(page) == fields(EARLIER)
    assert len(page['bars']) == 2
    rest = get(f'{url}/api/live/bars?before={page["earlier"]}').json()
    assert (len(rest['bars']), rest['earlier']) == (MESSAGES - 2, 0)


@pytest.mark.parametrize('query', ['limit=0', 'limit=1001', 'before=x'])
def test_a_page_that_can_not_be_is_refused(url: str, query: str) -> None:
    answer = get(f'{url}/api/live/bars?{query}')
    assert (answer.status_code, answer.json()['status']) == (400, 'bad_request')


@pytest.mark.parametrize(
    ('query', 'tab'),
    [
        ('', 'executors'),
        ('?tab=arrange', 'arrange'),
        ('?tab=collect', 'collect'),
        ('?tab=x', 'executors'),
    ],
)
def test_each_tab_has_its_address(url: str, query: str, tab: str) -> None:
    page = get(f'{url}/live{query}').text
    chosen = [line for line in page.splitlines() if 'aria-selected="true"' in line]
    assert len(chosen) == 1
    assert f'id="tab-{tab}"' in chosen[0]


def test_the_page_says_what_is_not_shown(url: str) -> None:
    """With no least duration nothing is hidden, and no hint at the option is of use."""
    page = get(f'{url}/live').text
    assert 'Nothing runs now' in page
    assert 'ws_min_duration_ms' not in page
