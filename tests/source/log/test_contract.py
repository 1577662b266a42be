"""The embedded log keeps the contract of a source."""

from __future__ import annotations

import pytest

from drakkar.source.log.group import _bump
from drakkar.source.log.options import LogOptions
from drakkar.source.log.producer import LogProducer
from drakkar.source.log.source import LogSource
from tests.source.contract import PARTITIONS, Lab, SourceContract


class LogLab(Lab):
    def __init__(self, path):
        options = {'path': str(path), 'partitions': PARTITIONS, 'poll_interval_ms': 5}
        super().__init__(LogSource(LogOptions().load(options), 'worker'))
        self.producer = LogProducer(path, partitions=PARTITIONS, fsync=False)
        self.producer.connect()

    def close(self):
        self.source.close()
        self.producer.close()

    def sql(self, statement, *args):
        def run(connection):
            found = connection.execute(statement, args).fetchone()
            _bump(connection, 'drakkar')
            return found

        return self.producer._store.run(run)

    def append(self, value, partition=0, key=None):
        self.producer.append(value, key, partition=partition)

    def committed(self, partition):
        return self.sql('SELECT committed FROM group_partitions WHERE partition = ?', partition)[0]

    def another_joins(self):
        self.sql(
            'INSERT INTO members (member, group_name, worker, boot, expires_at, lease_seconds)'
            ' SELECT ?, group_name, ?, boot, expires_at, lease_seconds FROM members',
            'other',
            'other',
        )

    def revoke(self, partition):
        # The higher half goes to a second member.
        assert partition >= PARTITIONS // 2
        self.another_joins()

    def lose(self, partition):
        # Another live member takes it, as after a lease that ran out.
        self.another_joins()
        self.sql(
            "UPDATE group_partitions SET owner = 'other', epoch = epoch + 1 WHERE partition = ?",
            partition,
        )

    def break_next(self, call):
        database = self.source._store._database
        run = database.run
        name = 'read' if call == 'poll' else call

        def broken(fn, *args):
            if fn.__name__ != name:
                return run(fn, *args)
            database.run = run
            return run(lambda connection: connection.execute('SELECT * FROM broken'))

        database.run = broken


class TestLogSource(SourceContract):
    @pytest.fixture
    def lab(self, tmp_path):
        lab = LogLab(tmp_path / 'log')
        yield lab
        lab.close()
