"""What the dashboard and the gauges know of the endpoint."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from drakkar.models.http import HttpAnswer, HttpRequest
from drakkar.models.snapshot import WebappClientState
from drakkar.worker.http import HttpStats
from drakkar.worker.http.stats import Minute


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 30)), max_size=80))
def test_a_minute_counts_its_last_sixty_seconds(steps: list[tuple[int, float]]) -> None:
    minute, now, added = Minute(3), 1000.0, []
    for kind, step in steps:
        now += step
        minute.add(kind, now)
        added.append((kind, int(now)))
    found = Counter(kind for kind, second in added if second > int(now) - 60)
    assert minute.totals(now) == [found[kind] for kind in range(3)]
    assert minute.totals(now + 61) == [0, 0, 0]


def test_requests_are_counted_by_client_and_outcome() -> None:
    now = [100.0]
    stats = HttpStats({'a': 60, 'b': 4}, 8, lambda: now[0])
    request = HttpRequest(1, 'a', b'')
    stats.http_received(request)
    assert stats.state.in_flight == 1
    stats.http_completed(request, HttpAnswer('ok', 200, b'', 0.1))
    for client, status in (
        ('a', 'ok'),
        ('a', 'timeout'),
        ('a', 'error'),
        ('b', 'rate_limited'),
        ('b', 'invalid_request'),
        ('', 'auth_failed'),
    ):
        stats.http_answered(client, status, 0.1)
    state = stats.state
    assert (state.in_flight, state.max_concurrent, state.unknown) == (0, 8, 1)
    assert state.clients == [
        WebappClientState('a', 60, ok=1, errors=2, refused=0),
        WebappClientState('b', 4, ok=0, errors=0, refused=2),
    ]
    now[0] += 60
    assert [c.ok + c.errors + c.refused for c in stats.state.clients] == [0, 0]
