"""The tabs of /debug: metrics and periodic methods, on the page and in the API."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Summary

import drakkar.api as dk
from drakkar.ui.data.metrics import MAX_SERIES, METRICS, quantile
from drakkar.ui.data.periodic import PERIODIC
from drakkar.ui.tabs import all_tabs
from tests.ui.shapes import mismatches
from tests.ui.site import Echo, Site, running
from tests.waiting import until

HOSTILE = '<script>alert(1)</script>'
ANSI = '\x1b[31mred\x1b[0m'
OWN = CollectorRegistry()


class Measured(Echo):
    """Has metrics of every type, in a registry of their own, and periodic methods."""

    hits = Counter('tabs_hits', f'Hits. {HOSTILE}', ['where'], registry=OWN)
    depth = Gauge('tabs_depth', 'Depth.', registry=OWN)
    wait = Histogram('tabs_wait_seconds', 'Wait.', buckets=(1, 2, 4), registry=OWN)
    size = Summary('tabs_size', 'Size.', registry=OWN)
    mode = Enum('tabs_mode', 'Mode.', states=['on', 'off'], registry=OWN)
    shared = Counter('tabs_shared', 'In the registry that all share.')
    wide = Gauge('tabs_wide', 'Many series.', ['n'], registry=OWN)

    @dk.periodic(seconds=0.02)
    def fails(self) -> None:
        raise ValueError(f'{HOSTILE} {ANSI} postgresql://user:secret@host/db')

    @dk.periodic(seconds=3600)
    def waits(self) -> None:
        """Not in the time of a test."""

    @dk.periodic(seconds=0.02, on_error='stop')
    def stops(self) -> None:
        raise KeyError('once')


@pytest.fixture(scope='module')
def site() -> Iterator[Site]:
    Measured.hits.labels(HOSTILE).inc(3)
    Measured.depth.set(float('inf'))
    for value in (0.5, 0.5, 1.5, 3):
        Measured.wait.observe(value)
    Measured.size.observe(10)
    for n in range(MAX_SERIES + 5):
        Measured.wide.labels(str(n)).set(n)
    with running(Measured, prometheus_url='http://prometheus.example:9099/') as site:
        until(lambda: all(s.failures for s in site.harness.worker.parts.periodic.states[:2]))
        yield site


def asked(site: Site, query: str = '') -> dict[str, Any]:
    found = site.ask(f'/api/metrics{query}').json
    assert mismatches(found, METRICS) == []
    return {metric['name']: metric for metric in found['metrics']}


def test_every_tab_opens_and_is_linked(site: Site) -> None:
    page = site.ask('/debug', Accept='text/html').text
    assert 'id="tab-metrics"' in page
    keys = re.findall(r'href="/debug\?tab=([a-z]+)"', page)
    assert keys == [tab.key for tab in all_tabs()]
    for key in keys:
        answer = site.ask(f'/debug?tab={key}', Accept='text/html')
        assert answer.status == 200, answer.text
        assert f'data-tab="{key}" aria-current="page"' in answer.text
        assert f'id="tab-{key}"' in answer.text


def test_a_tab_that_does_not_exist_is_named(site: Site) -> None:
    answer = site.ask('/debug?tab=nothing')
    assert answer.status == 404
    assert 'metrics, ' in answer.json['hint']


def test_metrics_of_all_sources(site: Site) -> None:
    found = asked(site)
    sources = {name: metric['source'] for name, metric in found.items()}
    assert sources['drakkar_messages_consumed_total'] == 'framework'
    assert sources['drakkar_worker_info'] == 'framework'
    assert sources['python_info'] == 'process'
    assert {n for n, s in sources.items() if s == 'user'} == {
        'tabs_hits_total',
        'tabs_depth',
        'tabs_wait_seconds',
        'tabs_size',
        'tabs_mode',
        'tabs_shared_total',
        'tabs_wide',
    }
    assert found['tabs_shared_total']['attribute'] == 'Measured.shared'
    counts = site.ask('/api/metrics?source=user').json['sources']
    assert counts['user'] == 7
    assert sum(counts.values()) == len(found)


def test_the_framework_s_metrics_are_those_of_the_exporter(site: Site) -> None:
    registry = site.harness.worker.parts.registry
    exported = {family.name for family in registry.collect()}
    shown = {
        name.removesuffix('_total').removesuffix('_info')
        for name, metric in asked(site, '?source=framework').items()
    }
    assert shown == exported


def test_values_by_type(site: Site) -> None:
    found = asked(site, '?source=user')
    (hits,) = found['tabs_hits_total']['series']
    assert (hits['labels'], hits['value']) == ({'where': HOSTILE}, 3)
    assert found['tabs_hits_total']['labels'] == ['where']
    (wait,) = found['tabs_wait_seconds']['series']
    assert (wait['count'], wait['sum'], wait['mean']) == (4, 5.5, 1.375)
    assert 2 < wait['p95'] <= 4
    assert found['tabs_depth']['series'][0]['value'] is None  # JSON has no infinity
    assert found['tabs_size']['series'][0]['mean'] == 10
    assert [s['value'] for s in found['tabs_mode']['series']] == [1, 0]
    wide = found['tabs_wide']
    assert (len(wide['series']), wide['series_count']) == (MAX_SERIES, MAX_SERIES + 5)


@pytest.mark.parametrize(
    ('query', 'names'),
    [
        ('q=tabs+hits', ['tabs_hits_total']),
        ('q=TABS_HITS', ['tabs_hits_total']),
        ('q=measured.depth', ['tabs_depth']),
        ('q=many+series', ['tabs_wide']),
        ('q=tabs&source=framework', []),
        ('q=tabs_hits&source=nonsense', ['tabs_hits_total']),
    ],
)
def test_the_filter_looks_at_names_labels_and_meanings(
    site: Site, query: str, names: list[str]
) -> None:
    assert list(asked(site, f'?{query}')) == names
    page = site.ask(f'/debug?tab=metrics&{query}', Accept='text/html').text
    rows = re.findall(r'<tr( hidden)? data-metric="(\w+)"', page)
    assert [name for hidden, name in rows if not hidden] == names
    assert ('id="metrics-empty" hidden' in page) is bool(names)


def test_graphs_are_of_this_worker(site: Site) -> None:
    found = asked(site)
    expressions = {
        name: parse_qs(urlsplit(metric['graph']).query)['g0.expr'][0]
        for name, metric in found.items()
    }
    me = 'and on (instance, job) drakkar_worker_info{worker_id="test"}'
    assert expressions['drakkar_messages_consumed_total'] == (
        f'rate(drakkar_messages_consumed_total[5m]) {me}'
    )
    assert expressions['tabs_depth'] == f'tabs_depth {me}'
    assert expressions['tabs_wait_seconds'] == (
        f'rate(tabs_wait_seconds_sum[5m]) / rate(tabs_wait_seconds_count[5m]) {me}'
    )
    assert found['tabs_depth']['graph'].startswith('http://prometheus.example:9099/graph?')


def test_metrics_that_are_hostile_are_text(site: Site) -> None:
    page = site.ask('/debug?tab=metrics&source=user', Accept='text/html').text
    assert HOSTILE not in page
    assert html.escape(HOSTILE) in page
    assert 'data-metric="tabs_depth"' in page  # infinite, and shown all the same


def test_periodic_methods_tell_of_their_runs(site: Site) -> None:
    methods = site.ask('/api/periodic').json['methods']
    assert mismatches(methods, PERIODIC) == []
    fails, stops, waits = methods
    assert fails['state'] in ('failed', 'running')
    assert fails['failures'] >= 1
    assert fails['recent'][0]['started_at'] >= fails['recent'][-1]['started_at']
    assert fails['last_error'].startswith(f'ValueError: {HOSTILE}')
    assert 'secret' not in fails['last_error']
    assert (stops['state'], stops['next_at'], stops['runs']) == ('stopped', None, 1)
    assert (waits['state'], waits['runs'], waits['recent']) == ('pending', 0, [])
    assert waits['next_at'] > 0


def test_periodic_errors_that_are_hostile_are_text(site: Site) -> None:
    page = site.ask('/debug?tab=periodic', Accept='text/html').text
    assert HOSTILE not in page
    assert '\x1b' not in page
    assert html.escape(HOSTILE) in page
    assert 'never again' in page
    assert 'It has not run yet.' in page


def test_empty_states_say_what_to_do() -> None:
    with running(Echo) as site:
        periodic = site.ask('/debug?tab=periodic', Accept='text/html').text
        assert '@periodic(seconds=60)' in periodic
        metrics = site.ask('/debug?tab=metrics&source=user', Accept='text/html').text
        assert 'The handler has no metrics of its own' in metrics
        assert asked(site, '?q=drakkar_consumer_lag')['drakkar_consumer_lag']['graph'] == ''


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.01, 0.99))
def test_a_quantile_lies_in_the_bucket_of_its_observation(values: list[float], q: float) -> None:
    bounds = [1.0, 5.0, 20.0, 60.0, float('inf')]
    buckets = [(bound, float(sum(v <= bound for v in values))) for bound in bounds]
    found = quantile(q, buckets)
    assert found is not None
    rank = q * len(values)
    upper = next(bound for bound, count in buckets if count >= rank)
    lower = max((bound for bound in bounds if bound < upper), default=0.0)
    assert lower <= found <= min(upper, 60.0)


def test_a_quantile_of_nothing_is_none() -> None:
    assert quantile(0.5, []) is None
    assert quantile(0.5, [(1.0, 0.0), (float('inf'), 0.0)]) is None
