"""Redis: the counts of a request's last search, for an hour."""

from __future__ import annotations

from drakkar_handler_ripgrep.routes import Data, Route
from drakkar_sink_redis import RedisPayload

TTL_SECONDS = 3600
_FIELDS = ('request_id', 'pattern', 'path', 'match_count', 'file_count')


def summary(data: Data) -> RedisPayload:
    found = {name: data[name] for name in _FIELDS}
    return RedisPayload(f'search:{data["request_id"]}', found, ttl=TTL_SECONDS)


RESULTS = [Route(summary, per_request=True)]
SUMMARIES: list[Route] = []
