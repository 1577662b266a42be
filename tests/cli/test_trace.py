"""`drakkar trace` and `drakkar merge`, from the command line's outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drakkar.cli.main import cli
from tests.cli.dlq_world import HANDLER
from tests.recorder.files import NOW, identity, row, write_file

CONFIG = '[drakkar]\nhandler = idle_of_trace_test:Idle\n[log]\npath = log\n[debug]\ndb_dir = {}\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv('DK_CONFIG', raising=False)
    (tmp_path / 'idle_of_trace_test.py').write_text(HANDLER)
    (tmp_path / 'd.ini').write_text(CONFIG.format('db'))
    (tmp_path / 'memory.ini').write_text(CONFIG.format(''))
    (tmp_path / 'db').mkdir()
    one = [
        row('consumed', NOW, topic='a', partition=1, offset=5, metadata={'count': 1}),
        row('task_started', NOW + 1, topic='a', partition=1, offset=5, task_id='t-1', pid=9),
        row(
            'task_failed',
            NOW + 2.5,
            topic='a',
            partition=1,
            offset=5,
            task_id='t-1',
            duration=1.5,
            exit_code=1,
            stderr='\x1b[31m<b>no</b>',
            labels={'tenant': 'acme'},
        ),
    ]
    two = [row('consumed', NOW + 9, topic='a', partition=1, offset=5, metadata={'count': 1})]
    write_file(tmp_path / 'db' / 'w1-2025-01-01__00_00_00.db', one, identity('w1'))
    write_file(tmp_path / 'db' / 'w2-2025-01-01__00_00_00.db', two, identity('w2'))
    return tmp_path


def drakkar(*args: str) -> Result:
    return CliRunner().invoke(cli, args)


@pytest.mark.parametrize('options', [('-c', 'd.ini'), ('--db-dir', 'db')])
@pytest.mark.parametrize('target', ['1:5', 'a:1:5', 'acme', 'tenant=acme', 't-1'])
def test_a_line_for_each_event_of_all_workers(target, options):
    result = drakkar('trace', target, *options)
    assert result.exit_code == 0, result.output
    lines = [line.split('\t') for line in result.stdout.splitlines()]
    assert [(cells[0], cells[2], cells[3]) for cells in lines] == [
        ('+0.000', 'w1', 'consumed'),
        ('+1.000', 'w1', 'task_started'),
        ('+2.500', 'w1', 'task_failed'),
        ('+9.000', 'w2', 'consumed'),
    ]
    assert lines[2][4:] == ['1:5', 't-1', '1.500', 'exit code 1, \\x1b[31m<b>no</b>']


def test_json_has_all_of_it():
    found = json.loads(drakkar('trace', '1:5', '--db-dir', 'db', '--json').stdout)
    assert (found['target'], len(found['rows']), found['searched']) == ('1:5', 4, 2)
    assert found['rows'][2]['stderr'] == '\x1b[31m<b>no</b>'


def test_what_is_not_found_is_an_error_of_one_line():
    result = drakkar('trace', '1:6', '--db-dir', 'db')
    assert result.exit_code == 1
    assert result.stdout == ''
    assert result.stderr == 'error: nothing is known of 1:6: searched 2 files in db\n'


def test_a_broken_file_is_a_warning():
    Path('db/w3-2025-01-01__00_00_00.db').write_text('nonsense')
    result = drakkar('trace', '1:5', '--db-dir', 'db')
    assert result.exit_code == 0
    assert result.stderr == 'warning: w3-2025-01-01__00_00_00.db: is no SQLite database\n'


@pytest.mark.parametrize(
    ('args', 'text'),
    [
        (('1:5', '-c', 'memory.ini'), '[debug] db_dir is empty'),
        (('', '--db-dir', 'db'), 'expected PARTITION:OFFSET'),
        (('1:5', '--db-dir', 'missing'), "'missing' does not exist"),
        ((), 'Missing argument'),
    ],
)
def test_wrong_usage(args, text):
    result = drakkar('trace', *args)
    assert result.exit_code == 2
    assert text in result.stderr


def test_files_are_merged_and_traced_again():
    result = drakkar('merge', *map(str, sorted(Path('db').iterdir())), '-o', 'out.db')
    assert result.exit_code == 0, result.output
    assert result.stdout == 'out.db: 4 events of 2 files, of w1, w2\n'
    Path('only').mkdir()
    Path('out.db').rename('only/merged-1.db')
    lines = drakkar('trace', '1:5', '--db-dir', 'only').stdout.splitlines()
    assert [line.split('\t')[2] for line in lines] == ['w1', 'w1', 'w1', 'w2']
    again = drakkar('merge', 'only/merged-1.db', 'db/w1-2025-01-01__00_00_00.db', '--json')
    done = json.loads(again.stdout)
    assert (done['events'], done['duplicates'], done['files']) == (4, 3, 2)
    assert Path(done['path']).name.startswith('merged-')
    assert Path(done['path']).exists()


def test_nothing_is_overwritten():
    name = 'db/w1-2025-01-01__00_00_00.db'
    result = drakkar('merge', 'db/w2-2025-01-01__00_00_00.db', '-o', name)
    assert result.exit_code == 1
    assert result.stderr == f'error: {name} exists already; a merge overwrites nothing\n'


def test_a_broken_input_is_named_or_skipped():
    Path('bad.db').write_text('nonsense')
    args = ('merge', 'bad.db', 'db/w1-2025-01-01__00_00_00.db', '-o', 'out.db')
    result = drakkar(*args)
    assert (result.exit_code, result.stderr) == (1, 'error: bad.db: is no SQLite database\n')
    result = drakkar(*args, '--skip-broken')
    assert result.exit_code == 0
    assert result.stderr == 'warning: bad.db: is no SQLite database\n'


def test_a_merge_needs_files():
    assert drakkar('merge').exit_code == 2
