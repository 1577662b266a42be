"""The dashboard's numbers are those of the metrics, and what is wrong stands at its top."""

from __future__ import annotations

import re
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families as parse

from drakkar.models.delivery import SinkRef
from drakkar.models.message import TopicPartition
from drakkar.models.snapshot import PartitionSnapshot, RecorderState, SinkSnapshot, WorkerSnapshot
from drakkar.ui.data import counters
from drakkar.ui.data.partitions import partitions
from drakkar.ui.data.problems import problems
from tests.ui.site import running

PROMETHEUS = 'http://prometheus.example:9099'


def test_counters_are_those_of_the_metrics_exactly() -> None:
    with running(prometheus_url=PROMETHEUS) as site:
        site.harness.send([{'exit': n % 3} for n in range(30)])
        site.harness.wait_for(lambda: len(site.harness.record.done) == 30)
        found = site.ask('/api/dashboard').json
        text = generate_latest(site.harness.worker.parts.registry).decode()
        samples = [s for family in parse(text) for s in family.samples]
        for card in found['cards']:
            name, _, rest = card['metric'].partition('{')
            wanted = re.fullmatch(r'(\w+)=~"(.*)"}', rest)
            total = sum(
                s.value
                for s in samples
                if s.name == name
                and (wanted is None or s.labels[wanted[1]] in wanted[2].split('|'))
            )
            assert card['value'] == total, card
            assert found['stats'][card['key']] == total
        assert (found['stats']['consumed'], found['stats']['completed']) == (30, 10)
        assert found['stats']['failed'] == 20
        assert found['partition_count'] == len(found['partitions']) == 2


def test_cards_link_to_the_graph_of_this_worker() -> None:
    with running(prometheus_url=f'{PROMETHEUS}/') as site:
        page = site.ask('/').text
        url = re.search(r'id="card-completed"[^>]* href="([^"]+)"', page)
        assert url is not None
        query = parse_qs(urlsplit(url[1].replace('&amp;', '&')).query)
        assert url[1].startswith(f'{PROMETHEUS}/graph?')
        assert query['g0.expr'] == [
            'rate(drakkar_executor_tasks_total{status=~"completed"}[5m]) and on (instance, job) '
            'drakkar_worker_info{worker_id="test"}'
        ]


def test_without_prometheus_cards_are_no_links() -> None:
    with running() as site:
        assert all(card['graph'] == '' for card in site.ask('/api/dashboard').json['cards'])


def test_every_card_names_a_metric_that_exists() -> None:
    with running() as site:
        exported = generate_latest(site.harness.worker.parts.registry).decode()
        for card in counters.CARDS:
            assert f'# TYPE {card.metric} counter' in exported, card


def test_custom_links_are_filled_in() -> None:
    link = 'http://grafana.example/d/x?w={worker_id}&p={debug_port}'
    with running(custom_links={'Grafana': link}) as site:
        made = site.ask('/api/dashboard').json['custom_links']
        assert made == [
            {'title': 'Grafana', 'url': f'http://grafana.example/d/x?w=test&p={site.ui.port}'}
        ]


class Context:
    """What `problems` asks for beside the snapshot."""

    def __init__(self, *reasons: str, recorder: str = '') -> None:
        self.not_ready = lambda: list(reasons)
        self.recorder = SimpleNamespace(state=RecorderState(problem=recorder))


def test_what_is_wrong_comes_worst_first() -> None:
    state = WorkerSnapshot('w', '', 0.0, paused=True, total_queued=1234)
    state.partitions = [PartitionSnapshot(TopicPartition('t', 3), queued=1, stalled=2)]
    state.sinks = [
        SinkSnapshot(SinkRef('kafka', 'a'), breaker=1.0),
        SinkSnapshot(SinkRef('x', 'y')),
    ]
    found = problems(Context('worker is stopping', recorder='disk full'), state)  # type: ignore[arg-type]
    assert [(p['title'], p['state']) for p in found] == [
        ('Stalled', 'bad'),
        ('Circuit open', 'bad'),
        ('Not ready', 'warning'),
        ('Paused by backpressure', 'warning'),
        ('Recorder', 'warning'),
    ]
    assert '2 messages' in found[0]['text']
    assert 't:3' in found[0]['text']
    assert 'kafka.a' in found[1]['text']
    assert '1,234' in found[3]['text']
    assert 'disk full' in found[4]['text']
    assert problems(Context(), WorkerSnapshot('w', '', 0.0)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ('fields', 'state'),
    [
        ({}, 'idle'),
        ({'pending': 1}, 'busy'),
        ({'queued': 1}, 'paused'),
        ({'queued': 1, 'draining': True}, 'draining'),
        ({'stalled': 1, 'draining': True}, 'stalled'),
    ],
)
def test_a_partition_has_one_state(fields: dict[str, int], state: str) -> None:
    snapshot = WorkerSnapshot('w', '', 0.0, paused=True)
    snapshot.partitions = [PartitionSnapshot(TopicPartition('t', 0), **fields)]
    assert partitions(snapshot)[0]['state'] == state


def test_several_topics_are_told_apart() -> None:
    snapshot = WorkerSnapshot('w', '', 0.0)
    snapshot.partitions = [PartitionSnapshot(TopicPartition(t, 0)) for t in ('a', 'b&c')]
    rows = partitions(snapshot)
    assert [row['label'] for row in rows] == ['a:0', 'b&c:0']
    assert rows[1]['url'] == '/partitions/0?topic=b%26c'


def test_secrets_are_masked_in_the_configuration() -> None:
    with running(auth_token='hush-hush') as site:
        answer = site.ask('/api/config', Authorization='Bearer hush-hush')
        assert answer.json['sections']['debug']['auth_token']['value'] == '***'
        assert 'hush-hush' not in answer.text
