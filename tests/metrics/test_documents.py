import json
import re
from pathlib import Path

import pytest

import drakkar.metrics
from drakkar.metrics.reference import framework_metrics, table

ROOT = Path(__file__).parents[2]
ASSETS = Path(drakkar.metrics.__file__).parent / 'assets'
DASHBOARD = ASSETS / 'grafana-dashboard.json'
ALERTS = ASSETS / 'alerts.yml'


def exported():
    """Every series name that a worker has, histogram suffixes included."""
    names = set()
    for row in framework_metrics():
        suffixes = ('_bucket', '_sum', '_count') if row.type == 'histogram' else ('',)
        names.update(row.name + suffix for suffix in suffixes)
    return names


def named_in(path):
    return set(re.findall(r'\bdrakkar_\w+', path.read_text()))


def test_the_reference_page_has_the_metrics_as_they_are():
    page = (ROOT / 'docs' / 'metrics.md').read_text()
    assert table(framework_metrics()) in page, 'run python -m drakkar.metrics.reference'


@pytest.mark.parametrize('path', [DASHBOARD, ALERTS], ids=lambda path: path.name)
def test_every_metric_that_is_looked_at_exists(path):
    assert named_in(path) - exported() == set()
    assert len(named_in(path)) >= 10


def test_the_dashboard_shows_every_metric():
    shown = {name.removesuffix('_bucket') for name in named_in(DASHBOARD)}
    assert {row.name for row in framework_metrics()} - shown == set()


def test_the_labels_that_the_dashboard_groups_by_exist():
    known = {label for row in framework_metrics() for label in row.labels}
    targets = [
        t['expr'] for p in json.loads(DASHBOARD.read_text())['panels'] for t in p.get('targets', [])
    ]
    grouped = {
        label.strip()
        for expr in targets
        for group in re.findall(r'by \(([^)]*)\)', expr)
        for label in group.split(',')
    }
    assert grouped - known == {'instance', 'le'}


def test_panels_have_places_of_their_own():
    panels = json.loads(DASHBOARD.read_text())['panels']
    assert len({p['id'] for p in panels}) == len(panels)
    cells = [
        (p['gridPos']['x'] + x, p['gridPos']['y'] + y)
        for p in panels
        for x in range(p['gridPos']['w'])
        for y in range(p['gridPos']['h'])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_names_follow_the_conventions():
    for row in framework_metrics():
        assert row.name.startswith('drakkar_')
        assert row.meaning.endswith('.')
        if row.type == 'counter':
            assert row.name.endswith('_total')
        if row.type == 'histogram':
            assert row.name.endswith('_seconds')
