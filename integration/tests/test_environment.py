"""The native stack in short: a rolling outage, and then everything that the page promises."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from integration.chaos.timeline import described
from integration.stack.control import ControlError
from integration.stack.plan import MAIN_CLUSTER, MONGO_UI_TOKEN, TENANT_TOKEN, WEB_UIS, WORKERS
from integration.tests.environment import SHORT, Environment, eventually, obtain_servers
from tests.browser.browser import Browser

TOTAL = 2000
BODY = {'request_id': 'manual-1', 'score': 42}


@pytest.fixture(scope='module')
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    obtain_servers()
    with Environment(tmp_path_factory.mktemp('stack'), **SHORT) as environment:
        yield environment
    assert environment.exit_code == 0, environment.log()[-3000:]


@pytest.fixture(scope='module')
def outage(stack: Environment) -> dict[str, Any]:
    return stack.chaos('stop', TOTAL)


def metric(stack: Environment, port: str, name: str) -> float:
    """Return the sum of a metric's samples; `name` may have labels."""
    status, _, content = stack.request(port, '/metrics')
    assert status == 200
    found = re.findall(rf'^{re.escape(name)}(?:{{.*}})? (\S+)$', content, re.MULTILINE)
    assert found, f'no {name}'
    return sum(map(float, found))


@pytest.mark.timeout(600)
def test_a_rolling_outage_loses_nothing(
    outage: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f'\n{outage["text"]}')
    proof = outage['proof']
    assert proof['produced'] == TOTAL
    assert proof['missing'] == dict.fromkeys(('kafka', 'postgres', 'mongo', 'counts'), 0)
    assert proof['arrived'] == dict.fromkeys(proof['arrived'], TOTAL)
    assert proof['dead_letters'] == 0
    steps = [event for _, event in outage['events'][1:-1]]
    assert steps == described(MAIN_CLUSTER)


def test_partitions_move_as_the_workers_do(outage: dict[str, Any]) -> None:
    events = {event: at for at, event in outage['events']}
    _, second, *_ = described(MAIN_CLUSTER)
    # From then on one runs at a time, until two are back. On a slow machine the first of them may
    # be stopped before it has all.
    later = [s['partitions'] for s in outage['samples'] if s['at'] > events[second]]
    assert 50 in [found.get(name) for found in later for name in MAIN_CLUSTER]
    last = outage['samples'][-1]['partitions']
    assert sum(last[f'worker-{n}'] for n in (1, 2, 3)) == 50
    # The end does not wait for an answer of these.
    fast = {'fast-worker-1', 'fast-worker-2'}
    answered = [s['partitions'] for s in outage['samples'] if fast <= s['partitions'].keys()]
    assert sum(answered[-1][name] for name in fast) == 50


def test_dashboards_metrics_and_prometheus_agree(
    stack: Environment, outage: dict[str, Any]
) -> None:
    """On the fast cluster, whose counters no restart set back."""
    fast = [worker.name for worker in WORKERS if worker.folder == 'fast-worker']
    boards = [stack.json(f'{name}-debug', '/api/dashboard') for name in fast]
    assert sum(board['stats']['completed'] for board in boards) == TOTAL
    assert [board['lag'] for board in boards] == [0, 0]
    completed = 'drakkar_executor_tasks_total{status="completed"}'
    assert sum(metric(stack, f'{name}-metrics', completed) for name in fast) == TOTAL

    def scraped() -> bool:
        ports = '|'.join(str(stack.ports[f'{name}-metrics']) for name in fast)
        query = f'sum(drakkar_messages_consumed_total{{instance=~".*:({ports})"}})'
        path = f'/api/v1/query?query={quote(query)}'
        result = stack.json('prometheus', path)['data']['result']
        return bool(result) and float(result[0]['value'][1]) == TOTAL

    eventually(scraped, 20, 'Prometheus has the count')


def test_prometheus_scrapes_all_workers(stack: Environment) -> None:
    def up() -> bool:
        found = stack.json('prometheus', '/api/v1/query?query=up')['data']['result']
        return [sample['value'][1] for sample in found] == ['1'] * len(WORKERS)

    eventually(up, 20, 'all workers are up')


def test_results_are_routed_by_match_count(stack: Environment, outage: dict[str, Any]) -> None:
    requests = stack.json('webhook', '/_control/requests?path=/notifications')
    assert requests
    assert {request['method'] for request in requests} == {'POST'}
    lines = (stack.state / 'output' / 'large.jsonl').read_text().splitlines()
    assert lines
    assert all(json.loads(line)['match_count'] > 50 for line in lines)
    assert sorted(path.name for path in (stack.state / 'output').iterdir()) == ['large.jsonl']
    lifetime = int(stack.redis('TTL', f'search:r-{TOTAL:05d}').removeprefix(':'))
    assert 0 < lifetime <= 3600


@pytest.mark.parametrize('worker', WORKERS, ids=lambda worker: worker.name)
def test_every_page_is_there_and_all_workers_know_each_other(
    stack: Environment, worker: Any
) -> None:
    for page in ('/', '/partitions', '/sinks', '/live', '/history', '/debug'):
        assert stack.request(f'{worker.name}-debug', page)[0] == 200, page

    def known() -> dict[str, set[str]]:
        found = stack.json(f'{worker.name}-debug', '/api/workers')['clusters']
        return {cluster['name']: {w['worker_id'] for w in cluster['workers']} for cluster in found}

    everyone = {
        'main': {'worker-1', 'worker-2', 'worker-3'},
        'fast': {'fast-worker-1', 'fast-worker-2'},
    }
    eventually(lambda: known() == everyone, 20, lambda: f'all are known, now {known()}')


def test_the_webapp_answers_a_tenant(stack: Environment) -> None:
    status, _, content = stack.request('worker-1-webapp', '/process', BODY, TENANT_TOKEN)
    report = json.loads(content)
    assert (status, report['client'], report['status']) == (200, 'tenant-A', 'ok')
    assert {'request_id', 'started_at', 'duration_ms', 'result', 'tasks', 'task_summary'} < set(
        report
    )
    assert {'cache', 'sinks', 'timeline'} < set(report)
    assert report['result']['score'] == 42
    assert report['sinks'] is None


@pytest.fixture
def page(tab: Browser, stack: Environment) -> Browser:
    """A tab on worker-1's debug UI."""
    tab.base = f'http://127.0.0.1:{stack.ports["worker-1-debug"]}'
    return tab


def asked(stack: Environment, request_id: str) -> dict[str, Any]:
    """Return the report of a request of tenant-A."""
    body = BODY | {'request_id': request_id}
    status, _, content = stack.request('worker-1-webapp', '/process', body, TENANT_TOKEN)
    assert status == 200, content
    report: dict[str, Any] = json.loads(content)
    return report


@pytest.mark.timeout(120)
def test_the_dashboard_has_a_tile_of_the_webapp(stack: Environment, page: Browser) -> None:
    page.open('/')
    asked(stack, 'tile-1')
    page.until('+document.querySelector("[data-bind=\'webapp.ok\']").innerText > 0')
    rows = page.texts('#webapp-clients tbody tr')
    assert [row.split()[:2] for row in rows] == [['anonymous', '4'], ['tenant-A', '60']]


@pytest.mark.timeout(120)
def test_tasks_of_requests_are_marked_live(stack: Environment, page: Browser) -> None:
    asked(stack, 'first-of-all')
    page.open('/live')
    page.until('document.querySelectorAll("#live-finished td").length > 0', 'finished tasks')
    asked(stack, 'live-0001')
    page.until(
        '[...document.querySelectorAll("#live-finished [data-state=http]")]'
        '.some(e => e.innerText === "tenant-A:live-000")',
        'the request by its client and the start of its id',
    )


@pytest.mark.timeout(120)
def test_the_history_filters_by_origin(stack: Environment, page: Browser) -> None:
    asked(stack, 'history-1')
    assert stack.request('worker-1-webapp', '/process', BODY, 'wrong')[0] == 401
    page.open('/history')
    assert page.texts('#origin-filter .chip') == ['all', 'kafka', 'http']

    def recorded() -> bool:
        page.open('/history?origin=http')
        found = set(page.data('#history-events > li', 'event'))
        return {f'webapp_request_{end}' for end in ('received', 'completed', 'auth_failed')} < found

    eventually(recorded, 20, 'the events of the requests')
    known = page.js('[...document.querySelectorAll("#event-types [name=event]")].map(e => e.value)')
    ends = ('timeout', 'rate_limited', 'dropped_after_timeout')
    assert {f'webapp_request_{end}' for end in ends} < set(known)
    page.open('/history?origin=kafka')
    assert not any(name.startswith('webapp') for name in page.data('#history-events > li', 'event'))


@pytest.mark.timeout(120)
def test_a_task_of_a_request_has_its_client_body_and_answer(
    stack: Environment, page: Browser
) -> None:
    task = asked(stack, 'task-1')['tasks'][0]['task_id']

    def recorded() -> bool:
        return stack.request('worker-1-debug', f'/api/task/{task}')[0] == 200

    eventually(recorded, 20, 'the task is recorded')

    def has_body() -> bool:
        page.open(f'/task/{task}')
        return '"score": 42' in page.text('main')

    eventually(has_body, 20, 'the body of the request')
    facts = page.text('#task-facts')
    assert 'tenant-A' in facts
    assert 'task-1' in facts
    assert 'Partition' not in facts
    assert '"rank"' in page.text('main')


def test_only_worker_1_has_a_webapp(stack: Environment) -> None:
    assert [name for name in stack.ports if name.endswith('-webapp')] == ['worker-1-webapp']


def test_the_load_generator_meets_its_limit(stack: Environment) -> None:
    stack.tell('start', 'load_generator', 'INTERVAL_SECONDS=0.2')
    log = stack.state / 'logs' / 'load_generator.log'

    def limited() -> bool:
        return '-> 429, retry after' in log.read_text()

    eventually(limited, 30, lambda: log.read_text())
    stack.tell('stop', 'load_generator')
    statuses = re.findall(r'-> (\d+)', log.read_text())
    assert statuses[: statuses.index('429')] == ['200'] * 4
    limited_total = 'drakkar_webapp_requests_total{client="anonymous",status="rate_limited"}'
    assert metric(stack, 'worker-1-metrics', limited_total) >= 1
    assert metric(stack, 'worker-1-metrics', 'drakkar_webapp_rpm_limit{client="anonymous"}') == 4


def test_the_second_load_generator_is_the_tenant(stack: Environment) -> None:
    stack.tell('start', 'load_generator_tenant_a')
    log = stack.state / 'logs' / 'load_generator_tenant_a.log'
    eventually(lambda: '-> 200' in log.read_text(), 30, lambda: log.read_text())
    stack.tell('stop', 'load_generator_tenant_a')


def test_with_sinks_enabled_the_answer_tells_of_the_sinks(stack: Environment) -> None:
    stack.tell('restart', 'worker-1', 'DK_WEBAPP__SINKS_ENABLED=true')
    eventually(lambda: ready(stack, 'worker-1'), 90, 'worker-1 is ready again')
    status, _, content = stack.request('worker-1-webapp', '/process', BODY, TENANT_TOKEN)
    assert status == 200, content
    sinks = json.loads(content)['sinks']['by_type']
    assert {'kafka', 'mongo', 'postgres', 'redis'} <= set(sinks)
    for name in ('kafka', 'mongo', 'postgres', 'redis'):
        assert sinks[name]['delivered'] == sinks[name]['attempted'] > 0, name
    assert int(stack.redis('TTL', 'search:manual-1').removeprefix(':')) > 0


def ready(stack: Environment, worker: str) -> bool:
    try:
        return stack.request(f'{worker}-metrics', '/readyz')[0] == 200
    except OSError:
        return False


def test_orders_that_can_not_be_carried_out_are_told(stack: Environment) -> None:
    with pytest.raises(ControlError, match='runs already'):
        stack.control.ask('start', 'worker-2')
    with pytest.raises(ControlError, match="no service 'worker-9'"):
        stack.control.ask('stop', 'worker-9')


def test_a_web_ui_that_was_to_be_had_answers(stack: Environment) -> None:
    paths = {'redis-commander': '/', 'kafka-ui': '/', 'mongo-ui': '/?t=integration'}
    services = stack.control.ask('status')['services']
    for name, path in paths.items():
        if services[name]['running']:
            assert stack.request(name, path)[0] == 200
        else:
            assert f'without {name}' in stack.log()


def test_redis_commander_has_all_parts_of_its_page(stack: Environment) -> None:
    if not stack.control.ask('status')['services']['redis-commander']['running']:
        pytest.skip('redis-commander could not be fetched')
    _, _, content = stack.request('redis-commander', '/')
    parts = re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', content)
    assert any('json-viewer' in part for part in parts)
    found = {part: stack.request('redis-commander', f'/{part}')[0] for part in parts}
    assert set(found.values()) == {200}, found


def test_the_sinks_lead_to_their_web_uis(stack: Environment) -> None:
    links = {
        worker: {
            sink['type']: sink['ui_url']
            for sink in stack.json(f'{worker}-debug', '/api/sinks')['sinks']
            if sink['ui_url']
        }
        for worker in ('worker-1', 'fast-worker-1')
    }
    at = {name: f'http://localhost:{stack.ports[name]}/' for name in WEB_UIS}
    assert links == {
        'worker-1': {
            'kafka': at['kafka-ui'],
            'mongo': f'{at["mongo-ui"]}?t={MONGO_UI_TOKEN}',
            'redis': at['redis-commander'],
        },
        'fast-worker-1': {'kafka': at['kafka-ui']},
    }


@pytest.mark.timeout(120)
def test_a_lost_document_is_noticed(stack: Environment, outage: dict[str, Any]) -> None:
    assert stack.prove()[0] == 0
    program = (
        'import pymongo, sys\n'
        'archive = pymongo.MongoClient(sys.argv[1]).drakkar.search_archive\n'
        'assert archive.delete_many({"request_id": "r-00005"}).deleted_count\n'
    )
    uri = f'mongodb://127.0.0.1:{stack.ports["mongo"]}/'
    subprocess.run([sys.executable, '-c', program, uri], check=True)
    code, told = stack.prove()
    assert code == 1
    assert f'mongo          {TOTAL - 1}        1' in told
    assert 'missing: r-00005 at (' in told
    assert 'MESSAGES WERE LOST' in told


@pytest.mark.timeout(120)
def test_requests_overtake_messages_that_wait(stack: Environment, outage: dict[str, Any]) -> None:
    """The last test: what it leaves is not waited for."""
    knobs = ('TOTAL_MESSAGES=240', 'SPEED=1000', 'SLOW_PERCENT=100', 'SLOW_REPEAT=25', 'SEED=11')
    stack.tell('start', 'producer', *knobs)

    def pool() -> Any:
        return stack.json('worker-1-debug', '/api/dashboard')['pool']

    eventually(lambda: pool()['waiting'] >= 20, 60, 'tasks wait on worker-1')
    report = asked(stack, 'urgent-1')
    assert pool()['waiting'] > 0
    assert report['status'] == 'ok'
