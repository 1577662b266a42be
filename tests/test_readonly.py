"""Reading files that others write, and files that are no databases."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest

from drakkar.readonly import OutOfTimeError, UnreadableError, in_thread, is_closed, reading

_READ = """
import os, sys
from drakkar.readonly import reading
if os.getuid() == 0:  # whom no permission stops
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
with reading(sys.argv[1]) as connection:
    print(connection.execute('SELECT count(*) FROM events').fetchone()[0])
"""


def write(connection: sqlite3.Connection, rows: int) -> None:
    connection.execute('CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, a)')
    connection.executemany('INSERT INTO events (a) VALUES (?)', [(n,) for n in range(rows)])
    connection.commit()


def count(path: Path) -> int:
    with reading(path) as connection:
        return connection.execute('SELECT count(*) AS n FROM events').fetchone()['n']


@pytest.fixture
def live(tmp_path: Path) -> sqlite3.Connection:
    with closing(sqlite3.connect(tmp_path / 'live #1?.db')) as connection:
        connection.execute('PRAGMA journal_mode=wal')
        write(connection, 3)
        yield connection


def test_what_is_only_in_the_log_of_a_live_file_is_read(live, tmp_path):
    path = tmp_path / 'live #1?.db'
    assert not is_closed(path)
    assert count(path) == 3
    write(live, 2)
    assert count(path) == 5


def test_nothing_can_be_written(live, tmp_path):
    with (
        pytest.raises(UnreadableError, match='readonly'),
        reading(tmp_path / 'live #1?.db') as connection,
    ):
        connection.execute('DELETE FROM events')


def test_reading_leaves_no_files_behind(live, tmp_path):
    live.close()
    path = tmp_path / 'live #1?.db'
    assert is_closed(path)
    before = sorted(os.listdir(tmp_path))
    assert count(path) == 3
    assert sorted(os.listdir(tmp_path)) == before == ['live #1?.db']


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (b'', 'is no file of the flight recorder'),
        (b'nonsense' * 1000, 'is no SQLite database'),
        (None, 'there is no such file'),
    ],
)
def test_what_is_no_database_is_refused_by_name(content, reason, tmp_path):
    path = tmp_path / 'bad.db'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableError, match=f'bad.db: {reason}'):
        count(path)


def test_a_damaged_page_is_an_error_while_reading_too(live, tmp_path):
    write(live, 5000)
    live.close()
    path = tmp_path / 'live #1?.db'
    data = bytearray(path.read_bytes())
    data[8192:20480] = os.urandom(12288)
    path.write_bytes(data)
    with pytest.raises(UnreadableError, match='is damaged'), reading(path) as connection:
        connection.execute('SELECT sum(a) FROM events').fetchall()


def test_a_statement_ends_at_the_deadline(live, tmp_path):
    endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n'
    began = time.monotonic()
    path = tmp_path / 'live #1?.db'
    with pytest.raises(OutOfTimeError), reading(path, began + 0.05) as connection:
        connection.execute(endless).fetchall()
    assert time.monotonic() - began < 10


def test_an_error_of_the_thread_is_raised_here():
    with pytest.raises(ZeroDivisionError):
        in_thread(lambda: 1 // 0)


def _read_as_nobody(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, '-c', _READ, str(path)],
        capture_output=True,
        text=True,
        timeout=25,
        cwd=Path(__file__).parents[1],
    )


@pytest.mark.parametrize('with_log', [False, True], ids=['alone', 'with its log'])
def test_a_copy_on_read_only_storage_is_read(with_log, live):
    (source,) = [row[2] for row in live.execute('PRAGMA database_list')]
    live.execute('PRAGMA wal_checkpoint(TRUNCATE)')
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy = folder / 'copy.db'
        copy.write_bytes(Path(source).read_bytes())
        if with_log:
            copy.with_name('copy.db-wal').write_bytes(b'')
        folder.chmod(0o555)
        try:
            result = _read_as_nobody(copy)
        finally:
            folder.chmod(stat.S_IRWXU)
    assert (result.returncode, result.stdout.strip()) == (0, '3'), result.stderr
