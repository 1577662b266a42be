"""The tab Cache: what is counted, entries, one of them, peers; on the page and in the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import drakkar.api as dk
from drakkar.ui.data.cache import ENTRIES, ENTRY, STATS, VALUE_CHARACTERS
from tests.ui.shapes import mismatches
from tests.ui.site import Echo, Site, running

HOSTILE = '<script>alert("1")</script>/?&='


class Keeping(Echo):
    def on_ready(self, context: dk.ReadyContext) -> None:
        self.cache.set('plain', {'a': [1, 2]}, ttl=3600)
        self.cache.set(HOSTILE, HOSTILE, scope=dk.CLUSTER)
        self.cache.set('long', 'x' * 100_000)
        self.cache.set('secret', 'postgresql://user:hunter2@host/db')
        self.cache.get('plain')
        self.cache.get('missing')


@pytest.fixture(scope='module')
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(Keeping, config=config(tmp_path_factory.mktemp('c'))) as site:
        site.ask(
            '/api/cache/entries'
        )  # SQLite keeps a second descriptor of a file for the next look
        yield site


def config(folder: Path) -> dict[str, Any]:
    return {'cache': {'enabled': True, 'db_dir': str(folder)}}


def asked(site: Site, path: str, schema: Any) -> Any:
    answer = site.ask(path)
    assert answer.status == 200, answer.text
    assert mismatches(answer.json, schema) == []
    return answer.json


def page(site: Site, query: str = '') -> str:
    answer = site.ask(f'/debug?tab=cache{query}', Accept='text/html')
    assert answer.status == 200
    return answer.text


def test_what_is_counted(site: Site) -> None:
    found = asked(site, '/api/cache', STATS)
    assert (found['hits'], found['misses'], found['hit_rate']) == (1, 1, 0.5)
    assert (found['sets'], found['writes']['cluster'], found['memory_entries']) == (4, 1, 4)
    assert found['path'].endswith('test-cache.db')
    assert 'data-bind="hit_rate" data-format="percent">50 %' in page(site)


def test_entries_are_found_by_a_part_of_the_key(site: Site) -> None:
    found = asked(site, '/api/cache/entries', ENTRIES)
    assert [e['key'] for e in found['entries']] == ['secret', 'long', HOSTILE, 'plain']
    assert [e['preview'] for e in found['entries']][3] == '{"a":[1,2]}'
    assert len(found['entries'][1]['preview']) < 200
    found = asked(site, '/api/cache/entries?q=PLA&scope=local', ENTRIES)
    assert [e['key'] for e in found['entries']] == ['plain']
    found = asked(site, '/api/cache/entries?limit=1', ENTRIES)
    assert (len(found['entries']), found['more']) == (1, True)
    assert site.ask('/api/cache/entries?scope=planet').status == 400
    assert 'No entry matches' in page(site, '&q=nothing')
    assert 'planet' in page(site, '&scope=planet')


def test_one_entry_is_shown_whole(site: Site) -> None:
    found = asked(site, '/api/cache/entry?key=plain', ENTRY)
    assert (found['value'], found['scope'], found['origin']) == ('{"a":[1,2]}', 'local', 'test')
    assert 3500 < found['expires_at'] - found['changed_at'] <= 3601
    assert '&#34;a&#34;: [\n' in page(site, '&key=plain')
    long = asked(site, '/api/cache/entry?key=long', ENTRY)
    assert (len(long['value']), long['truncated']) == (VALUE_CHARACTERS, True)
    assert site.ask('/api/cache/entry?key=none').status == 404
    assert site.ask('/api/cache/entry').status == 400
    assert 'has no entry' in page(site, '&key=none')


def test_what_others_wrote_is_text_and_no_secret(site: Site) -> None:
    for query in ('', f'&key={quote(HOSTILE, safe="")}', '&key=secret'):
        text = page(site, query)
        assert '<script>alert' not in text
        assert 'hunter2' not in text
    assert 'hunter2' not in site.ask('/api/cache/entries').text
    assert asked(site, f'/api/cache/entry?key={quote(HOSTILE, safe="")}', ENTRY)['key'] == HOSTILE


def test_looking_counts_nothing(site: Site) -> None:
    before = asked(site, '/api/cache', STATS)
    page(site, '&key=plain')
    page(site)
    assert asked(site, '/api/cache', STATS) == before


def test_peers_and_how_reading_them_goes(tmp_path: Path) -> None:
    (tmp_path / '<b>other-cache.db').write_bytes(b'no database' * 1000)
    with running(Keeping, config=config(tmp_path)) as site:
        site.harness.wait_for(lambda: site.ask('/api/cache').json['peers'])
        (peer,) = asked(site, '/api/cache', STATS)['peers']
        assert (peer['key'], peer['state'], peer['errors']) == ('<b>other', 'failed', 1)
        assert '&lt;b&gt;other' in page(site)


def test_a_worker_without_a_cache_says_how_to_have_one() -> None:
    with running(Echo) as site:
        assert 'The cache is off' in page(site)
        assert asked(site, '/api/cache', STATS)['enabled'] is False
        assert site.ask('/api/cache/entries').status == 404


def test_the_dashboard_warns_where_the_file_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    with running(Keeping, config=config(tmp_path / 'file' / 'below')) as site:
        problems = site.ask('/api/dashboard').json['problems']
        assert [p['key'] for p in problems] == ['cache']
        assert 'changes wait in memory' in problems[0]['text']
        assert 'Not a directory' in page(site)
