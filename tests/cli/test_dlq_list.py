"""`drakkar dlq list` and `show`, from the command line's outside."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.cli.dlq_world import FILE, dlq, letter, make_folder, message, sink, store


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv('DK_CONFIG', raising=False)
    make_folder(tmp_path)
    return tmp_path


@pytest.fixture
def stored() -> None:
    now = time.time()
    store(
        [
            letter(message(1), stage='parse', error='not JSON\nat all', time=now - 9000),
            letter(message(2), sink=sink('postgres.main'), labels={'tenant': 'a'}, time=now - 60),
            letter(message(3, partition=2), sink=sink('postgres.other'), time=now - 30),
            letter(message(4), sink=sink('http.api'), labels={'tenant': 'b'}, time=now),
        ]
    )


def offsets(*args: str) -> list[int]:
    result = dlq('list', '--json', *args)
    assert result.exit_code == 0, result.output
    return [json.loads(line)['offset'] for line in result.stdout.splitlines()]


def test_a_line_for_each_letter_and_the_counts(stored):
    result = dlq('list')
    assert result.exit_code == 0
    *lines, counts = result.stdout.splitlines()
    cells = lines[0].split('\t')
    assert cells[0] == f'{FILE}:1'
    assert cells[2:] == ['requests:1:1', 'parse', '-', 'not JSON at all', '1', 'w1', '']
    assert lines[1].split('\t')[4] == 'postgres.main'
    assert lines[1].endswith('tenant=a')
    assert len(lines) == 4
    assert counts == (
        '4 dead letters; deliver 3, parse 1; postgres.main 1, postgres.other 1, http.api 1'
    )


def test_json_has_the_error_as_it_is(stored):
    row = json.loads(dlq('list', '--json').stdout.splitlines()[0])
    assert row['error'] == 'not JSON\nat all'
    assert (row['id'], row['sink'], row['labels']) == (f'{FILE}:1', None, {})


@pytest.mark.parametrize(
    ('args', 'expected'),
    [
        ([], [1, 2, 3, 4]),
        (['--sink', 'postgres'], [2, 3]),
        (['--sink', 'postgres.main'], [2]),
        (['--sink', 'postgres.main', '--sink', 'http'], [2, 4]),
        (['--sink', 'post'], []),
        (['--stage', 'parse'], [1]),
        (['--error', 'not json'], [1]),
        (['--since', '2h'], [2, 3, 4]),
        (['--until', '45s'], [1, 2]),
        (['--since', '2h', '--until', '45s'], [2]),
        (['--since', '2100-01-01'], []),
        (['--until', '2100-01-01T12:00:00+02:00'], [1, 2, 3, 4]),
        (['--since', '2020-01-01T00:00:00Z'], [1, 2, 3, 4]),
        (['--label', 'tenant=a'], [2]),
        (['--label', 'tenant=a', '--label', 'other='], []),
        (['--partition', '2'], [3]),
        (['--partition', '2', '--sink', 'http'], []),
        (['--topic', 'requests'], [1, 2, 3, 4]),
        (['--topic', 'others'], []),
        (['--limit', '2'], [3, 4]),
        (['--limit', '0'], [1, 2, 3, 4]),
    ],
)
def test_filters(stored, args, expected):
    assert offsets(*args) == expected


def test_the_newest_are_shown_over_all_files_in_order_of_time():
    now = time.time()
    store([letter(message(n), time=now - n) for n in (5, 3, 1)], 'w1')
    store([letter(message(n), time=now - n) for n in (4, 2, 0)], 'w2')
    assert offsets('--limit', '4') == [3, 2, 1, 0]
    assert offsets('--limit', '0') == [5, 3, 1, 4, 2, 0]
    assert 'the newest 4 shown (--limit)' in dlq('list', '--limit', '4').stdout


def test_torn_and_foreign_lines_are_told_and_skipped(folder):
    store([letter(message(1))])
    with (folder / 'dlq' / FILE).open('ab') as file:
        file.write(b'{"version": 1, "mess\n\n[]\n\xff\xfe\n')
    store([letter(message(2))])
    (folder / 'dlq' / 'notes.jsonl').write_text('{"version": 1}\n{"some": "log"}')
    (folder / 'dlq' / 'empty.jsonl').write_text('')
    (folder / 'dlq' / 'folder.jsonl').mkdir()
    (folder / 'dlq' / 'other.txt').write_text('x')
    result = dlq('list')
    assert result.exit_code == 0, result.output
    assert [line.split('\t')[0] for line in result.stdout.splitlines()[:2]] == [
        f'{FILE}:1',
        f'{FILE}:6',
    ]
    assert result.stdout.endswith('5 torn or foreign, skipped\n')
    assert f'skipped: {FILE}:2: torn or foreign: ' in result.stderr
    assert 'skipped: notes.jsonl:2: not a dead letter' in result.stderr


def test_only_the_first_of_many_torn_lines_are_told(folder):
    store([letter(message(1))])
    (folder / 'dlq' / FILE).write_text('torn\n' * 30)
    result = dlq('list')
    assert result.stderr.count('skipped: ') == 11
    assert '30 torn or foreign' in result.stdout


@pytest.mark.parametrize(
    ('args', 'problem'),
    [
        (['--since', 'yesterday'], "'yesterday' is no time: expected 2025-01-31"),
        (['--label', 'tenant'], "'tenant' is no label: expected KEY=VALUE"),
        (['--stage', 'deliver '], "'deliver ' is not one of"),
        (['--limit', '-1'], '--limit'),
    ],
)
def test_wrong_usage(stored, args, problem):
    result = dlq('list', *args)
    assert result.exit_code == 2
    assert problem in ' '.join(result.stderr.split())


def test_without_the_folder_it_says_where_it_looked():
    for args in (['list'], ['show', 'x:1'], ['replay']):
        result = dlq(*args)
        assert result.exit_code == 3
        assert result.stderr.startswith('error: dead letters: dlq does not exist; [dlq] path')


def test_an_error_can_not_command_the_terminal():
    store([letter(message(1, b'\x1b[2J\x07'), error='\x1b]0;owned\x07', labels={'a': '\x9b'})])
    for args in (['list'], ['show', f'{FILE}:1']):
        assert dlq(*args).stdout.translate({10: None, 9: None}).isprintable()


# show


def show(*args: str) -> str:
    result = dlq('show', *args)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_show_prints_everything():
    source = message(7, b'{"a": "\xc3\xa4"}', key=b'\xff', headers=[('trace', b'x'), ('n', b'')])
    store(
        [
            letter(
                source,
                sink=sink('postgres.main'),
                error='RefusedError: no table',
                traceback='Traceback:\n  File "x.py"',
                attempts=3,
                labels={'tenant': 'a'},
                task_id='t-1',
            )
        ]
    )
    text = show(f'{FILE}:1')
    for line in (
        'at        requests:1:7',
        'key       0xff',
        'header    trace: x',
        "header    n: '' (empty)",
        'value     JSON, 11 bytes',
        '      "a": "ä"',
        'sink      postgres.main',
        'error     RefusedError: no table',
        'attempts  3',
        'labels    tenant=a',
        '      File "x.py"',
    ):
        assert line in text


@pytest.mark.parametrize(
    ('value', 'shown'),
    [
        (None, 'value     null\n'),
        (b'', 'value     empty, 0 bytes'),
        (b'plain', 'value     text, 5 bytes\n    plain'),
        (b'\xff\x00\x01', 'value     binary, 3 bytes\n    ff 0001'),
        (b'\xff' * 5000, 'prints all 5,000 bytes'),
    ],
)
def test_show_decodes_the_value(value, shown):
    store([letter(message(1, value))])
    assert shown in show(f'{FILE}:1')
    result = dlq('show', f'{FILE}:1', '--value-only')
    assert result.stdout_bytes == (value or b'')


def test_show_json_is_what_is_stored(folder):
    store([letter(message(1)), letter(message(2))])
    line = (folder / 'dlq' / FILE).read_bytes().splitlines(keepends=True)[1]
    assert dlq('show', f'{FILE}:2', '--json').stdout_bytes == line


@pytest.mark.parametrize(
    ('letter_id', 'code', 'problem'),
    [
        (f'{FILE}:3', 1, f'there is no letter {FILE}:3'),
        (f'{FILE}:0', 1, 'there is no letter'),
        ('other.jsonl:1', 1, 'there is no letter other.jsonl:1'),
        ('../dlq/x:1', 1, 'there is no letter'),
        (f'{FILE}:2', 1, 'torn or foreign'),
        ('nonsense', 2, "'nonsense' is no id: expected FILE:LINE"),
        ('x:', 2, 'is no id'),
    ],
)
def test_show_what_is_not_there(folder, letter_id, code, problem):
    store([letter(message(1))])
    with (folder / 'dlq' / FILE).open('a') as file:
        file.write('torn')
    result = dlq('show', letter_id)
    assert result.exit_code == code
    assert problem in ' '.join(result.stderr.split())


def test_a_letter_of_a_request_without_a_message():
    store([letter(message(-1, None, topic='', partition=-1))])
    letter_id, _, place, *_ = dlq('list').stdout.split('\t')
    assert place == '-'
    assert 'no source message' in show(letter_id)
