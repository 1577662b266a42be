"""The database wrapper: one thread, clear errors, a hub that stays free."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import gevent
import pytest
from gevent.monkey import get_original

from drakkar.sqlite import Database, DatabaseError, transaction

native_sleep = get_original('time', 'sleep')
native_ident = get_original('threading', 'get_ident')


@pytest.fixture
def db(tmp_path: Path):
    database = Database(tmp_path / 'test.db')
    database.open()
    database.run(lambda c: c.execute('CREATE TABLE t (a INTEGER)'))
    yield database
    database.close()


def rows(db: Database) -> list[int]:
    return db.run(lambda c: [a for (a,) in c.execute('SELECT a FROM t ORDER BY a')])


def test_every_statement_runs_in_the_same_native_thread(db):
    threads = {g.get() for g in [gevent.spawn(db.run, lambda c: native_ident()) for _ in range(9)]}
    assert len(threads) == 1
    assert threads != {native_ident()}


def test_the_hub_goes_on_while_a_statement_waits(db):
    ticks = 0
    slow = gevent.spawn(db.run, lambda c: native_sleep(0.2))
    while not slow.ready():
        gevent.sleep(0.005)
        ticks += 1
    slow.get()
    assert ticks > 10


def test_wal_and_fsync_as_asked(tmp_path):
    for fsync, level in ((True, 2), (False, 1)):
        db = Database(tmp_path / f'{fsync}.db', fsync=fsync)
        db.open()
        assert db.run(lambda c: c.execute('PRAGMA journal_mode').fetchone()) == ('wal',)
        assert db.run(lambda c: c.execute('PRAGMA synchronous').fetchone()) == (level,)
        db.close()


def test_a_transaction_is_all_or_nothing(db):
    def half(connection):
        with transaction(connection):
            connection.execute('INSERT INTO t VALUES (1)')
            raise KeyError('stop')

    with pytest.raises(KeyError):
        db.run(half)
    assert rows(db) == []


def test_a_forgotten_transaction_is_rolled_back(db):
    db.run(lambda c: (c.execute('BEGIN IMMEDIATE'), c.execute('INSERT INTO t VALUES (1)')))
    assert rows(db) == []


def test_errors_are_raised_once_and_not_printed(db, capfd):
    with pytest.raises(DatabaseError, match=r'test\.db.*no such table: nowhere'):
        db.run(lambda c: c.execute('SELECT 1 FROM nowhere'))
    assert capfd.readouterr().err == ''


def test_close_twice_and_run_after_close(db):
    db.close()
    db.close()
    with pytest.raises(DatabaseError, match='closed'):
        rows(db)


def test_close_finishes_what_was_submitted(tmp_path):
    db = Database(tmp_path / 'test.db')
    db.open()
    waiting = [gevent.spawn(db.run, lambda c: native_sleep(0.01)) for _ in range(5)]
    gevent.sleep(0)
    db.close()
    gevent.joinall(waiting)
    assert all(g.successful() for g in waiting)
    assert not [t for t in threading.enumerate() if 'ThreadPool' in repr(t)]


def test_a_locked_database_says_so(db, tmp_path):
    other = Database(tmp_path / 'test.db', busy_seconds=0.05)
    other.open()
    with closing(sqlite3.connect(db.path, isolation_level=None)) as holder:
        holder.execute('BEGIN IMMEDIATE')
        with pytest.raises(DatabaseError, match='another process has held its write lock'):
            other.run(lambda c: c.execute('INSERT INTO t VALUES (1)'))
        holder.execute('ROLLBACK')
    other.run(lambda c: c.execute('INSERT INTO t VALUES (1)'))
    other.close()
    assert rows(db) == [1]


def test_a_full_disk_says_so_and_recovers(tmp_path):
    db = Database(tmp_path / 'full.db', pragmas={'max_page_count': 4})
    db.open()
    db.run(lambda c: c.execute('CREATE TABLE t (a BLOB)'))
    with pytest.raises(DatabaseError, match=r'full\.db: no space left'):
        db.run(lambda c: c.execute('INSERT INTO t VALUES (?)', (b'x' * 100_000,)))
    db.run(lambda c: c.execute('INSERT INTO t VALUES (?)', (b'x',)))
    db.close()


@pytest.mark.parametrize(
    ('prepare', 'message'),
    [
        (lambda p: p.mkdir(), 'is a directory'),
        (lambda p: p.write_bytes(b'no database at all ' * 100), 'is no SQLite database'),
        (lambda p: p.parent.rmdir(), 'does not exist'),
    ],
)
def test_what_can_not_be_opened_is_explained(tmp_path, prepare, message):
    folder = tmp_path / 'folder'
    folder.mkdir()
    path = folder / 'x.db'
    prepare(path)
    db = Database(path)
    with pytest.raises(DatabaseError, match=message) as caught:
        db.open()
    assert str(path) in str(caught.value)
    db.close()


def test_opened_by_many_at_the_same_moment(tmp_path):
    databases = [Database(tmp_path / 'new.db') for _ in range(8)]
    for greenlet in [gevent.spawn(db.open) for db in databases]:
        greenlet.get()
    for db in databases:
        db.close()


def test_the_size_of_pages_can_be_chosen(tmp_path: Path) -> None:
    database = Database(tmp_path / 'a.db', pragmas={'page_size': 8192})
    database.open()
    try:
        assert database.run(lambda c: c.execute('PRAGMA page_size').fetchone()[0]) == 8192
    finally:
        database.close()
