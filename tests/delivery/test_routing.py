from __future__ import annotations

from typing import Any

import pytest

from drakkar.delivery.routing import Routes
from drakkar.errors import AmbiguousSinkError, RoutingError, SinkNotConfiguredError
from drakkar.models.delivery import SinkRef
from drakkar.models.payload import Payload


class Row(Payload):
    sink_type = 'postgres'


class Line(Payload):
    sink_type = 'file'


ROUTES = Routes(
    {
        SinkRef('postgres', 'archive'): 'A',
        SinkRef('postgres', 'metrics'): 'M',
        SinkRef('file', 'log'): 'L',
    }
)


def test_payloads_are_grouped_in_order() -> None:
    payloads = [Row(1, sink='archive'), Line(2), Row(3, sink='metrics'), Row(4, sink='archive')]
    groups = ROUTES.group(payloads)
    assert {k: [p.data for p in v] for k, v in groups.items()} == {
        'A': [1, 4],
        'L': [2],
        'M': [3],
    }


def test_the_only_instance_may_also_be_named() -> None:
    assert list(ROUTES.group([Line(1), Line(2, sink='log')])) == ['L']


class Unknown(Payload):
    sink_type = 'postgrse'


@pytest.mark.parametrize(
    ('payload', 'error', 'said'),
    [
        (Row(1), AmbiguousSinkError, 'archive, metrics'),
        (Row(1, sink='archiv'), SinkNotConfiguredError, "[sinks.postgres.archiv]; did you mean 'a"),
        (Row(1, sink='zzz'), SinkNotConfiguredError, 'configured: archive, metrics'),
        (Unknown(1), SinkNotConfiguredError, "did you mean 'postgres'?"),
        ({'not': 'one'}, RoutingError, 'dict is not a payload'),
    ],
)
def test_errors_name_what_is_known(payload: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error) as caught:
        ROUTES.group([Line(1), payload])
    assert said in str(caught.value)
