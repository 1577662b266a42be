"""The server of the endpoint says who may use it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.webapp.handlers import ShellHandler
from tests.webapp.site import Site


@pytest.mark.parametrize(
    ('options', 'event'),
    [
        ({}, 'webapp_without_token'),
        ({'host': '127.0.0.2'}, 'webapp_without_token'),
        ({'host': '0.0.0.0'}, 'webapp_open_to_the_network'),
        ({'host': '0.0.0.0', 'clients': {'tenant-A': {'token': 'x' * 16, 'rpm': 60}}}, ''),
    ],
)
def test_a_worker_says_that_its_endpoint_is_open(
    options: dict[str, Any], event: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Site(ShellHandler, **{'clients': {'anyone': {'rpm': 4}}, **options}):
        said = ''.join(capsys.readouterr())
    events = ('webapp_without_token', 'webapp_open_to_the_network')
    assert [name for name in events if name in said] == [event] * bool(event)
    assert 'running' in said
