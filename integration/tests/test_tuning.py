"""The knobs of the page's tuning section, and the rolling outage by SIGKILL under them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.infra import topics
from integration.tests.environment import SHORT, Environment, obtain_servers

TOTAL = 1200
TOKEN = 'my-secret-token'
THRESHOLDS = ('WS', 'EVENT', 'OUTPUT', 'LOG')


@pytest.fixture(scope='module')
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    obtain_servers()
    knobs = [
        'worker-1:DK_EXECUTOR__MAX_EXECUTORS=2',
        'worker-3:DK_KAFKA__SESSION_TIMEOUT_MS=30000',
        *(f'fast-worker-1:DK_DEBUG__{name}_MIN_DURATION_MS=0' for name in THRESHOLDS),
    ]
    words = [word for knob in knobs for word in ('--env', knob)]
    variables = SHORT | {'DK_DEBUG__AUTH_TOKEN': TOKEN}
    folder = tmp_path_factory.mktemp('tuned')
    with Environment(folder, '--no-web-uis', *words, **variables) as environment:
        yield environment
    assert environment.exit_code == 0, environment.log()[-3000:]


@pytest.mark.timeout(600)
def test_killed_workers_lose_nothing(
    stack: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    report = stack.chaos('kill', TOTAL, '--kill')
    with capsys.disabled():
        print(f'\n{report["text"]}')
    proof = report['proof']
    assert proof['produced'] == TOTAL
    assert set(proof['missing'].values()) == {0}
    assert proof['dead_letters'] == 0


def test_concurrency_is_set_worker_by_worker(stack: Environment) -> None:
    def executors(worker: str) -> Any:
        return stack.json(f'{worker}-debug', '/api/dashboard', TOKEN)['pool']['max_executors']

    assert [executors(f'worker-{n}') for n in (1, 2)] == [2, 4]
    assert executors('fast-worker-1') == 2


def test_the_session_timeout_is_set_worker_by_worker(stack: Environment) -> None:
    def timeout(worker: str) -> Any:
        sections = stack.json(f'{worker}-debug', '/api/config', TOKEN)['sections']
        return int(sections['kafka']['session_timeout_ms']['value'])

    assert [timeout(f'worker-{n}') for n in (2, 3)] == [10_000, 30_000]


def test_without_thresholds_fast_tasks_are_recorded(stack: Environment) -> None:
    """They take milliseconds; the page's thresholds, which some pass on a slow machine, are 100."""

    def recorded(worker: str) -> list[float]:
        path = '/api/history?event=task_completed&limit=1000'
        events = stack.json(f'{worker}-debug', path, TOKEN)['events']
        return [event['duration'] for event in events]

    assert min(recorded('fast-worker-1')) < 0.1
    assert min(recorded('fast-worker-2'), default=0.1) >= 0.1


def test_with_a_token_nobody_else_is_let_in(stack: Environment) -> None:
    databases = '/api/databases'
    assert stack.request('worker-2-debug', databases)[0] == 401
    assert stack.request('worker-2-debug', databases, token='wrong')[0] == 401
    assert stack.request('worker-2-debug', databases, token=TOKEN)[0] == 200
    assert stack.request('worker-2-debug', f'{databases}?token={TOKEN}')[0] == 200


def test_fewer_partitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / 'init-kafka.sh'
    text = Path(topics.__file__).with_name('init-kafka.sh').read_text(encoding='utf-8')
    script.write_text(text.replace('PARTITIONS=50', 'PARTITIONS=6'), encoding='utf-8')
    monkeypatch.setattr(topics, '_SCRIPT', script)
    assert set(topics.planned().values()) == {6}
    script.write_text('PARTITIONS=six\n', encoding='utf-8')
    with pytest.raises(ValueError, match=r'init-kafka\.sh: no line PARTITIONS=NUMBER'):
        topics.planned()
