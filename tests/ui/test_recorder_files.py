"""The tabs Trace and Databases of `/debug`, and their routes."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gevent
import pytest

from drakkar.recorder import merge as merging
from drakkar.ui.data import databases as data
from tests.recorder.files import identity, row, write_file
from tests.ui.site import Answer, Site, running
from tests.waiting import until

HTML = {'Accept': 'text/html'}
PEER = 'w2-2025-01-01__00_00_00.db'
BROKEN = 'torn-2025-01-01__00_00_00.db'


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('db')
    at = time.time() - 3600
    rows = [
        row('consumed', at, topic='messages', partition=0, offset=0, metadata={'count': 1}),
        row('task_started', at + 1, partition=0, offset=0, task_id='peer-1', topic='messages'),
    ]
    write_file(folder / PEER, rows, identity('w2'))
    (folder / BROKEN).write_text('no database at all')
    (folder.parent / 'secret.db').write_text('secret')
    (folder / 'link.db').symlink_to('../secret.db')
    return folder


@pytest.fixture(scope='module')
def site(folder: Path) -> Iterator[Site]:
    with running(db_dir=str(folder), flush_interval_seconds=0.05) as site:
        site.harness.send([{'exit': 0, 'name': 'one'}, {'exit': 2, 'name': 'two'}])
        site.harness.wait_for(lambda: len(site.harness.record.done) == 2)
        site.harness.worker.parts.recorder.flush()
        site.ask('/api/history')  # opens the file for reading, once for all tests
        yield site


def own_file(folder: Path) -> str:
    return os.readlink(folder / 'test-live.db')


def post(site: Site, body: Any) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return site.ask('/api/databases/merge', 'POST', text, Content_Type='application/json')


# Trace


def test_a_message_is_traced_here_and_at_the_peers(site):
    found = site.ask('/api/trace?q=0:0').json
    assert found['workers'] == ['w2', 'test']
    assert [row['event'] for row in found['rows'][:3]] == ['consumed', 'task_started', 'consumed']
    assert found['rows'][0]['after'] == 0
    assert [problem['file'] for problem in found['problems']] == [BROKEN]
    page = site.ask('/debug?tab=trace&q=0:0', **HTML).text
    assert page.count('<li data-event=') == len(found['rows'])
    assert 'is no SQLite database' in page
    assert 'value="0:0"' in page


@pytest.mark.parametrize('q', ['name=two', 'two', 'messages:0:1'])
def test_a_label_leads_to_the_message(q, site):
    found = site.ask(f'/api/trace?q={q}').json
    assert found['messages'] == ['messages:0:1']
    failed = next(row for row in found['rows'] if row['event'] == 'task_failed')
    assert (failed['failure'], failed['exit_code']) == (True, 2)


def test_a_task_of_a_peer_is_shown_here(site):
    task = site.ask('/api/task/peer-1').json
    assert (task['worker'], task['status']) == ('w2', 'unfinished')


def test_what_nobody_knows_and_what_means_nothing(site):
    assert site.ask('/api/trace?q=9:9').json['found'] is False
    assert 'Nothing is known of 9:9' in site.ask('/debug?tab=trace&q=9:9', **HTML).text
    answer = site.ask('/api/trace')
    assert (answer.status, answer.json['status']) == (400, 'bad_request')
    page = site.ask(f'/debug?tab=trace&q={"x" * 501}', **HTML)
    assert (page.status, 'That can not be traced' in page.text) == (200, True)
    assert 'What happened to a message?' in site.ask('/debug?tab=trace', **HTML).text


# Older files in the history


def test_older_events_are_in_the_file_before(tmp_path):
    old = 'test-2025-01-01__00_00_00.db'
    write_file(tmp_path / old, [row('assigned', 1e9, partition=7)], identity('test'))
    write_file(tmp_path / PEER, [row('assigned', 1e9 + 1)], identity('w2'))
    with running(db_dir=str(tmp_path), flush_interval_seconds=0.05) as site:
        site.harness.worker.parts.recorder.flush()
        newest = site.ask('/api/history').json
        assert (newest['next'], newest['older_file'], newest['file']) == (None, old, '')
        assert site.ask('/api/history?limit=1').json['older_file'] == ''
        assert f'href="?file={old}"' in site.ask('/history', **HTML).text
        older = site.ask(f'/api/history?file={old}').json
        assert [event['partition'] for event in older['events']] == [7]
        assert (older['older_file'], older['file']) == ('', old)
        assert site.ask(f'/api/history/counts?file={old}').json['counts'] == {'assigned': 1}
        page = site.ask(f'/history?file={old}&partition=7', **HTML).text
        assert f'name="file" value="{old}"' in page
        assert page.count('<li data-event=') == 1


@pytest.mark.parametrize('name', ['missing.db', '../secret.db', 'link.db', '/etc/passwd'])
def test_the_history_reads_no_other_files(name, site):
    for path in ('/api/history', '/history'):
        assert site.ask(f'{path}?file={name}').status == 404


def test_a_broken_file_in_the_history_is_a_problem_in_words(site):
    assert 'is no SQLite database' in site.ask(f'/api/history?file={BROKEN}').json['problem']
    assert 'is no SQLite database' in site.ask(f'/history?file={BROKEN}', **HTML).text


# Databases


def test_the_files_are_listed(site, folder):
    answer = site.ask('/api/databases').json
    files = {file['name']: file for file in answer['databases']}
    assert set(files) == {own_file(folder), PEER, BROKEN}
    assert files[own_file(folder)]['live']
    assert (files[PEER]['worker'], files[PEER]['events']) == ('w2', 2)
    assert 'is no SQLite database' in files[BROKEN]['problem']
    assert (answer['folder'], answer['merging']) == (str(folder), None)
    page = site.ask('/debug?tab=databases', **HTML).text
    assert page.count('<tr data-file=') == 3
    assert f'href="/api/databases/{PEER}"' in page


def test_a_live_file_is_downloaded_whole_and_its_copy_removed(site, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    answer = site.ask(f'/api/databases/{own_file(folder)}')
    assert answer.headers['Content-Type'] == 'application/vnd.sqlite3'
    assert answer.headers['Content-Disposition'] == f'attachment; filename="{own_file(folder)}"'
    assert os.listdir(tmp_path) == []
    copy = tmp_path / 'copy.db'
    copy.write_bytes(answer.body)
    with closing(sqlite3.connect(copy)) as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM events WHERE event = 'task_started'"
        ).fetchone()
    assert count == 2


def test_a_closed_file_is_downloaded_as_it_is(site, folder):
    assert site.ask(f'/api/databases/{PEER}').body == (folder / PEER).read_bytes()
    assert (folder / PEER).exists()


@pytest.mark.parametrize(
    'name',
    [
        'missing.db',
        'link.db',
        '..%2Fsecret.db',
        '../secret.db',
        '%2e%2e/secret.db',
        '..%5Csecret.db',
        '%2Fetc%2Fpasswd',
        'x%00.db',
        'test.lock',
        '.db',
        '%ff.db',
    ],
)
def test_nothing_else_is_given_away(name, site):
    answer = site.ask(f'/api/databases/{name}')
    assert (answer.status, answer.json['status']) == (404, 'not_found')
    assert b'secret' not in answer.body.replace(b'secret.db', b'')


def test_a_broken_or_a_large_file_is_a_clear_answer(site, folder, monkeypatch):
    live = f'{BROKEN}-wal'
    (folder / live).write_text('')
    try:
        answer = site.ask(f'/api/databases/{BROKEN}')
        assert (answer.status, 'is no SQLite database' in answer.json['hint']) == (422, True)
    finally:
        (folder / live).unlink()
    monkeypatch.setattr(data, 'MAX_BYTES', 10)
    assert site.ask(f'/api/databases/{PEER}').status == 413
    assert post(site, {'names': [PEER]}).status == 413


def test_files_are_merged_into_a_new_one(site, folder):
    answer = post(site, {'names': [PEER, own_file(folder)]})
    assert answer.status == 200, answer.text
    done = answer.json
    try:
        assert (done['files'], done['workers']) == (2, ['test', 'w2'])
        assert done['name'].startswith('merged-')
        listed = site.ask('/api/databases').json['databases']
        merged = next(file for file in listed if file['merged'])
        assert (merged['name'], merged['events']) == (done['name'], done['events'])
        # What is in it is not told twice.
        assert site.ask('/api/trace?q=0:0').json['workers'] == ['w2', 'test']
        assert site.ask(done['url']).status == 200
    finally:
        (folder / done['name']).unlink()


@pytest.mark.parametrize(
    ('body', 'status', 'hint'),
    [
        ('{', 400, 'not JSON'),
        ([], 422, 'names: expected a list'),
        ({'names': 'x'}, 422, 'names: expected a list'),
        ({'names': [1]}, 422, 'names: expected a list'),
        ({'names': []}, 422, 'names: expected 1 to 100'),
        ({'names': ['x.db'] * 101}, 422, 'names: expected 1 to 100'),
        ({'names': ['../secret.db']}, 404, 'no recorder file'),
        ({'names': ['link.db']}, 404, 'no recorder file'),
        ({'names': [PEER, BROKEN]}, 422, f'{BROKEN}: is no SQLite database'),
    ],
)
def test_a_merge_that_can_not_be(body, status, hint, site, folder):
    before = sorted(os.listdir(folder))
    answer = post(site, body)
    assert (answer.status, hint in answer.json['hint']) == (status, True), answer.text
    assert sorted(os.listdir(folder)) == before


def test_a_disk_without_space_is_not_filled(site, monkeypatch):
    monkeypatch.setattr(data, '_SPACE_FACTOR', 10**15)
    assert post(site, {'names': [PEER]}).status == 507


def test_one_merge_at_a_time_and_its_progress_is_seen(site, folder, monkeypatch):
    go_on = folder.parent / 'go-on'

    def slow(paths: Any, target: Any, *, progress: Any) -> Any:
        progress(1, 4)
        while not go_on.exists():
            native_sleep(0.01)
            progress(1, 4)
        raise merging.MergeError('enough')

    monkeypatch.setattr(data, 'merge', slow)
    asking = gevent.spawn(post, site, {'names': [PEER]})
    try:
        until(lambda: (site.ask('/api/databases').json['merging'] or {}).get('done') == 1)
        assert site.ask('/api/databases').json['merging']['files'] == 1
        assert post(site, {'names': [PEER]}).status == 503
        assert 'data-running' in site.ask('/debug?tab=databases', **HTML).text
    finally:
        go_on.touch()
        answer = asking.get()
    assert (answer.status, answer.json['hint']) == (422, 'enough')
    assert site.ask('/api/databases').json['merging'] is None


def native_sleep(seconds: float) -> None:
    gevent.monkey.get_original('time', 'sleep')(seconds)


def test_a_merge_of_another_site_is_refused(site):
    answer = site.ask(
        '/api/databases/merge',
        'POST',
        '{"names": []}',
        Content_Type='application/json',
        Origin='http://evil.example',
    )
    assert answer.status == 403


def test_without_a_folder_the_tab_says_what_to_do():
    with running() as site:
        assert site.ask('/api/databases').json == {
            'folder': '',
            'databases': [],
            'merging': None,
        }
        assert 'memory only' in site.ask('/debug?tab=databases', **HTML).text
        assert post(site, {'names': ['x.db']}).status == 404
        assert site.ask('/api/databases/x.db').status == 404
