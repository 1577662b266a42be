"""PostgreSQL: a row of numbers for each request of a search.

With `on_conflict = request_id, pattern, path` a search that runs again replaces its row.
"""

from __future__ import annotations

from drakkar_handler_ripgrep.routes import Data, Route
from drakkar_sink_postgres import PostgresPayload

TABLE = 'search_results'
_COLUMNS = (
    'request_id',
    'pattern',
    'path',
    'repeat',
    'match_count',
    'file_count',
    'duration_seconds',
)


def row(data: Data) -> PostgresPayload:
    return PostgresPayload(TABLE, {name: data[name] for name in _COLUMNS})


RESULTS = [Route(row, per_request=True)]
SUMMARIES: list[Route] = []
