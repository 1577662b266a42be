"""The source when its file is wrong, full, locked or gone."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from drakkar.errors import ConnectError, SourceError
from drakkar.models.message import TopicPartition
from drakkar.source.log.producer import LogProducer


def test_start_explains_what_is_wrong(worker, path):
    path.parent.joinpath('file').write_text('')
    with pytest.raises(ConnectError, match='must name a directory'):
        worker(path=str(path.parent / 'file')).start()
    path.mkdir()
    (path / 'messages.db').write_bytes(b'x' * 8192)
    with pytest.raises(ConnectError, match=r'messages\.db: is no SQLite database'):
        worker().start()


def test_a_full_disk_when_it_starts(worker, path):
    with pytest.raises(ConnectError, match='no space left'):
        worker(pragmas={'max_page_count': 3}).start()


def test_a_locked_file_is_a_source_error_and_then_it_goes_on(worker, producer, path, until):
    consumer = worker(lease_seconds=0.3).start()
    producer.append(b'x', partition=0)
    until(lambda: consumer.got)
    offsets = {TopicPartition('messages', 0): 1}
    with closing(sqlite3.connect(path / 'messages.db', isolation_level=None)) as other:
        other.execute('BEGIN IMMEDIATE')
        with pytest.raises(SourceError, match='write lock'):
            consumer.source.commit(offsets)
        other.execute('ROLLBACK')
    consumer.source.commit(offsets)
    assert consumer.source.positions()[TopicPartition('messages', 0)] == (1, 1)


def test_a_log_that_was_removed_is_made_anew(worker, until, path):
    consumer = worker(lease_seconds=0.3).start()
    until(lambda: len(consumer.owned) == 8)
    with LogProducer(path, fsync=False) as producer:
        # At once: a file removed in steps could lose the write-ahead log of its successor.
        path.rename(path.with_name('removed'))
        until(lambda: (producer.append(b'new'), consumer.got)[1])
    assert consumer.heard.all('lost') == set(range(8))


def test_an_unexpected_death_of_its_greenlet_reaches_the_owner(worker, until):
    consumer = worker().start()
    until(lambda: consumer.owned)
    consumer.source._membership.renew = None
    consumer.source._membership.nudge()
    until(lambda: consumer.greenlet.ready())
    assert 'log-lease died' in str(consumer.greenlet.exception)
