"""What a request's hooks find in the cache is told in its report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gevent

from tests.webapp.handlers import ShellHandler
from tests.webapp.site import Site


class Remembering(ShellHandler):
    """Looks up and keeps what the request names."""

    def arrange_http_request(self, request: Any, pending: Any) -> Any:
        for name in request['returns'] or []:
            gevent.sleep(0.001)
            if self.cache.get(name) is None:
                self.cache.set(name, 1)
        return super().arrange_http_request({**request, 'returns': None}, pending)

    def on_http_request_complete(self, group: Any) -> Any:
        return self.cache.get('only at the end')


def test_hits_and_misses_are_those_of_the_request(tmp_path: Path) -> None:
    config = {'cache': {'enabled': True, 'db_dir': str(tmp_path)}}
    with Site(Remembering, config=config) as site:
        first = site.report({'returns': ['a', 'b', 'c']})
        assert first['cache'] == {'hits': 0, 'misses': 4}
        assert site.report({'returns': ['a', 'b', 'x']})['cache'] == {'hits': 2, 'misses': 2}
        many = [
            gevent.spawn(site.report, {'returns': ['a'] * n, 'precomputed': True})
            for n in range(1, 9)
        ]
        gevent.joinall(many)
        assert [g.value['cache'] for g in many] == [{'hits': n, 'misses': 1} for n in range(1, 9)]
