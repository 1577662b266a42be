"""Requests through a whole worker, over HTTP."""

from __future__ import annotations

from tests.webapp.handlers import ShellHandler
from tests.webapp.site import TOKEN, Site


def test_a_request_is_worked_on_and_answered_with_a_report() -> None:
    with Site(ShellHandler) as site:
        report = site.report({'script': 'echo hello', 'request_id': 'manual-1'}, token=TOKEN)
    print(report)
    assert report['request_id'] == 'manual-1'
