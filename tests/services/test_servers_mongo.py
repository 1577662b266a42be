"""The MongoDB server: its data outlives a stop and a kill."""

from __future__ import annotations

import pymongo
import pytest
from pymongo.errors import ServerSelectionTimeoutError


@pytest.fixture
def connect(mongo):
    """Return a function that makes clients, closed at the end."""
    clients = []

    def make(**options):
        options = {'serverSelectionTimeoutMS': 5000, **options}
        clients.append(pymongo.MongoClient(mongo.dsn, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.mark.parametrize('how', ['stop', 'kill'])
def test_what_was_written_is_there_after_a_restart(mongo, connect, unique_name, how):
    port = mongo.port
    client = connect()
    things = client[unique_name].get_collection(
        'things', write_concern=pymongo.WriteConcern(w=1, j=True)
    )
    things.insert_many([{'_id': number} for number in range(100)])
    client.close()
    getattr(mongo, how)()
    assert not mongo.running
    mongo.start()
    assert mongo.port == port
    assert connect()[unique_name].things.count_documents({}) == 100


def test_paused_it_does_not_answer(mongo, connect):
    mongo.pause()
    with pytest.raises(ServerSelectionTimeoutError):
        connect(serverSelectionTimeoutMS=300, connectTimeoutMS=200).admin.command('ping')
    mongo.resume()
    assert connect().admin.command('ping')['ok'] == 1


def test_a_test_may_leave_it_dead(mongo):
    mongo.kill()


def test_it_says_what_it_is(mongo):
    assert mongo.kind in ('mongod', 'secantusdb')
