from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

import drakkar.api as dk
from drakkar_sink_mongo import MongoOptions
from drakkar_sink_mongo.update import Update, parse_updates


def parsed(**template: Any) -> Update:
    updates, problems = parse_updates({'name': json.dumps(template)})
    assert problems == {}
    return updates['name']


def test_fields_take_the_place_of_their_names() -> None:
    update = parsed(
        filter={'_id': ':host.name', 'kind': 'host'},
        update={'$inc': {'hits': 1}, '$set': {'tags': [':tag', '::tag', 'x:y'], 'all': ':'}},
    )
    data = {'host': {'name': 'a'}, 'tag': [1, None]}
    assert update.fill(data) == (
        {'_id': 'a', 'kind': 'host'},
        {'$inc': {'hits': 1}, '$set': {'tags': [[1, None], ':tag', 'x:y'], 'all': data}},
    )
    assert update.upsert


@pytest.mark.parametrize('data', [{}, {'host': 'a'}, {'host': None}, {'host': {'x': 1}}])
def test_a_missing_field_is_refused(data: dict[str, Any]) -> None:
    update = parsed(filter={'_id': ':host.name'}, update={'$set': {'a': 1}})
    with pytest.raises(dk.RefusedError, match=r"no 'host\.name'"):
        update.fill(data)


@pytest.mark.parametrize('value', [{'$gt': ''}, {'a': {'$ne': 1}}, [{'$each': [1]}], [[{'$x': 1}]]])
def test_a_value_is_never_an_operator(value: Any) -> None:
    update = parsed(filter={'_id': 1}, update={'$pull': {'tags': ':tag'}})
    with pytest.raises(dk.RefusedError, match="'tag' has a key that begins with"):
        update.fill({'tag': value})
    with pytest.raises(dk.RefusedError, match="'data' has a key"):
        parsed(filter={'_id': 1}, update={'$set': {'all': ':'}}).fill({'tag': value})


@pytest.mark.parametrize(
    ('where', 'update', 'upsert', 'repeatable'),
    [
        ({'_id': 1}, {'$set': {'a': 1}, '$max': {'b': 1}}, True, True),
        ({'_id': 1}, {'$set': {'a': 1}, '$inc': {'b': 1}}, True, False),
        ({'_id': 1}, {'$push': {'a': 1}}, False, False),
        ({'state': 'new'}, {'$set': {'state': 'old'}}, False, True),
        ({'state': 'new'}, {'$set': {'state': 'old'}}, True, False),
        ({'_id': 1, 'state': 'new'}, {'$set': {'state': 'old'}}, True, False),
    ],
)
def test_which_updates_may_be_repeated(
    where: Any, update: Any, upsert: bool, repeatable: bool
) -> None:
    assert parsed(filter=where, update=update, upsert=upsert).repeatable is repeatable


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('{', 'not JSON'),
        ('[]', 'expected'),
        ('{"filter": {"_id": 1}, "update": {"$set": {"a": 1}}, "multi": true}', 'expected'),
        ('{"update": {"$set": {"a": 1}}}', '"filter"'),
        ('{"filter": {}, "update": {"$set": {"a": 1}}}', '"filter"'),
        ('{"filter": {"_id": 1}}', '"update"'),
        ('{"filter": {"_id": 1}, "update": {"a": 1}}', '"update"'),
        ('{"filter": {"_id": 1}, "update": [{"$set": {"a": 1}}]}', '"update"'),
        ('{"filter": {"_id": 1}, "update": {"$set": {"a": 1}}, "upsert": 1}', '"upsert"'),
    ],
)
def test_a_mistake_is_found_with_the_configuration(text: str, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        MongoOptions().load({'uri': 'mongodb://x', 'operations': {'count': text, 'insert': text}})
    messages = caught.value.messages['operations']
    assert problem in messages['count'][0]
    assert 'of the sink itself' in messages['insert'][0]


names = st.text().filter(lambda name: not name.startswith('$'))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text().filter(lambda k: k[:1] != '$'), inner)
    ),
    max_leaves=10,
)


@given(json_values)
def test_a_value_arrives_as_it_is(value: Any) -> None:
    update = parsed(filter={'_id': ':v'}, update={'$set': {'v': ':v'}})
    assert update.fill({'v': value}) == ({'_id': value}, {'$set': {'v': value}})
