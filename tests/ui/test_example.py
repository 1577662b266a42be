"""Examples of what a schema takes."""

from __future__ import annotations

import json
from typing import Any

from marshmallow import Schema, fields, validate

from drakkar.ui.data.example import example_of


class Inner(Schema):
    number = fields.Int(required=True)


class Everything(Schema):
    text = fields.Str(required=True)
    count = fields.Int(required=True)
    share = fields.Float(required=True)
    flag = fields.Bool(required=True)
    when = fields.DateTime(required=True)
    day = fields.Date(required=True)
    time = fields.Time(required=True)
    id = fields.UUID(required=True)
    url = fields.Url(required=True)
    email = fields.Email(required=True)
    price = fields.Decimal(required=True)
    choice = fields.Str(required=True, validate=validate.OneOf(['first', 'second']))
    inner = fields.Nested(Inner, required=True)
    inners = fields.List(fields.Nested(Inner), required=True)
    many = fields.Nested(Inner, many=True, required=True)
    mapping = fields.Dict(required=True)
    named = fields.Str(required=True, data_key='otherName')
    shown = fields.Str(required=True, metadata={'example': 'like this'})
    optional = fields.Int(load_default=7)
    made = fields.List(fields.Int(), load_default=list)
    written = fields.Str(dump_only=True)


class Endless(Schema):
    child = fields.Nested(lambda: Endless(), required=True)
    children = fields.List(fields.Nested(lambda: Endless()))


def test_an_example_is_loaded_by_its_schema() -> None:
    example = json.loads(json.dumps(example_of(Everything)))
    loaded: Any = Everything().load(example)
    assert set(loaded) == {name for name in Everything().fields if name != 'written'}
    assert example['choice'] == 'first'
    assert example['shown'] == 'like this'
    assert example['optional'] == 7
    assert 'otherName' in example


def test_a_schema_of_itself_ends() -> None:
    assert len(json.dumps(example_of(Endless()))) < 10_000
