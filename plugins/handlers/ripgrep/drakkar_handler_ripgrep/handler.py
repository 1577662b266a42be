"""From search requests to tasks, and from what ripgrep printed to payloads."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client import Counter, Histogram

import drakkar.api as dk
from drakkar_handler_ripgrep import known
from drakkar_handler_ripgrep.options import RipgrepOptions
from drakkar_handler_ripgrep.program import (
    EXIT_BAD_REQUEST,
    EXIT_SIMULATED,
    WRAPPER,
    Matches,
    arguments,
    find_ripgrep,
)
from drakkar_handler_ripgrep.rank import RankRequest, RankResponse, rank
from drakkar_handler_ripgrep.request import SearchRequest
from drakkar_handler_ripgrep.routes import Routes

RETRIED = ('kafka', 'mongo', 'postgres', 'redis')

Search = tuple[str, str, int]  # pattern, path, repeat


class RipgrepHandler(dk.Handler):
    """Runs ripgrep for every pair of pattern and path that a window's requests name.

    Requests of one window that ask for the same search share one task. A search whose
    result is in the cache is not run again. HTTP requests rank a score among files, and
    go before messages.
    """

    input_schema = SearchRequest
    http_request_schema = RankRequest
    http_response_schema = RankResponse
    options_schema = RipgrepOptions

    searches = Counter('ripgrep_searches', 'Runs of searches by outcome.', ['outcome'])
    matches = Histogram(
        'ripgrep_matches',
        'Matching lines of a search.',
        buckets=(0, 1, 5, 20, 50, 100, 500, 1000, 5000),
    )

    def __init__(self) -> None:
        self._routes = Routes()
        self._environment: dict[str, str] = {}

    def on_startup(self, config: Any) -> Any:
        """Find the program and the routes. Raises ConfigError without ripgrep."""
        if not config.executor.binary_path:
            config.executor.binary_path = str(WRAPPER)
            self._environment = {'RUN_RG_PROGRAM': find_ripgrep()}
        types = dict.fromkeys(sink.type for sink in config.sink_instances)
        self._routes = Routes(types, self.options.files)
        return config

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        wanted: dict[Search, list[dk.SourceMessage]] = {}
        for message in messages:
            request = message.payload
            if request is None:  # it did not decode, and `source.on_parse_error` let it pass
                continue
            for pattern, path in itertools.product(request['patterns'], request['paths']):
                wanted.setdefault((pattern, path, request['repeat']), []).append(message)
        return [self._task_for(search, askers) for search, askers in wanted.items()]

    def _task_for(self, search: Search, askers: Sequence[dk.SourceMessage]) -> dk.ExecutorTask:
        request_ids = list(dict.fromkeys(message.payload['request_id'] for message in askers))
        task = self._task(search, request_ids)
        task.source_offsets = [message.offset for message in askers]
        if self._fails_on_purpose(search, askers[0]):
            task.env = {**self._environment, 'RUN_RG_FAIL': '1'}
        return task

    def _task(self, search: Search, request_ids: list[str]) -> dk.ExecutorTask:
        pattern, path, repeat = search
        more = f' +{len(request_ids) - 1}' if len(request_ids) > 1 else ''
        result = known.find(self.cache, *search) if self.options.cache_seconds else None
        return dk.ExecutorTask(
            args=arguments(pattern, path, repeat),
            env=self._environment,
            labels={
                'request_id': request_ids[0] + more,
                'pattern': pattern,
                **({'source': 'cache'} if result else {}),
            },
            precomputed=result,
            metadata={
                'request_ids': request_ids,
                'pattern': pattern,
                'path': path,
                'repeat': repeat,
            },
        )

    def _fails_on_purpose(self, search: Search, message: dk.SourceMessage) -> bool:
        """Decide by seed, message and search, so that a restart fails the same ones."""
        percent = self.options.simulated_failure_percent
        if not percent:
            return False
        seed = self.options.simulated_failure_seed
        return random.Random(f'{seed} {message.label} {search}').random() * 100 < percent

    def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload]:
        metadata = result.task.metadata
        found = Matches.parse(result.stdout)
        # Not the lines: tasks live until the last one of their messages has ended.
        metadata['match_count'], metadata['files'] = found.count, found.files
        if result.task.precomputed is not None:
            self._count('cached')
        else:
            self._count('matched' if found.count else 'empty', found.count)
            if self.options.cache_seconds:
                known.keep(self.cache, result, self.options.cache_seconds)
        return self._routes.results(
            {
                'request_ids': metadata['request_ids'],
                'pattern': metadata['pattern'],
                'path': metadata['path'],
                'repeat': metadata['repeat'],
                'match_count': found.count,
                'file_count': len(found.files),
                'truncated': result.stdout_truncated,
                'duration_seconds': round(result.duration_seconds, 6),
                'lines': found.lines[: self.options.max_lines or None],
            }
        )

    def on_message_complete(self, group: dk.MessageGroup) -> list[dk.Payload]:
        message = group.source_message
        if message.payload is None:
            return []
        found = [result.task.metadata for result in group.results]
        return self._routes.summaries(
            {
                'request_id': message.payload['request_id'],
                'message': message.label,
                'searches': group.total,
                'failed': group.failed,
                'match_count': sum(metadata['match_count'] for metadata in found),
                'file_count': len(frozenset().union(*(metadata['files'] for metadata in found))),
                'duration_seconds': round(group.duration_seconds, 6),
            }
        )

    def arrange_http_request(
        self, request: dict[str, Any], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        pattern = request.get('pattern', self.options.rank_pattern)
        paths = self.options.rank_paths or [str(Path(__file__).parent)]
        return [
            self._task((pattern, path, request['repeat']), [request['request_id']])
            for path in paths
        ]

    def on_http_request_complete(self, group: dk.MessageGroup) -> dict[str, Any]:
        if self.options.cache_seconds:
            for result in group.results:  # without sinks nobody else keeps them
                known.keep(self.cache, result, self.options.cache_seconds)
        return rank(group.source_message.payload, (result.stdout for result in group.results))

    def http_request_id(self, request: dict[str, Any], headers: Mapping[str, str]) -> str:
        request_id: str = request['request_id']
        return request_id

    def task_priority(self, task: dk.ExecutorTask) -> tuple[int, int]:
        """Put what somebody waits for first; the rest goes by its smallest offset."""
        return 0 if task.origin == 'http' else 1, min(task.source_offsets, default=0)

    def on_error(self, task: dk.ExecutorTask, error: dk.ExecutorError) -> dk.Action:
        """Retry what may go well next time; what ripgrep refused it will refuse again."""
        if error.kind is dk.FailureKind.EXIT and error.exit_code == EXIT_BAD_REQUEST:
            self._count('refused')
            return dk.DLQ
        if error.exit_code == EXIT_SIMULATED:
            task.env = self._environment
        self._count('retried')
        return dk.RETRY

    def on_delivery_error(self, error: dk.DeliveryFailure) -> dk.Action:
        """Retry what can be written twice without harm, unless it was refused."""
        return dk.DLQ if error.refused or error.sink.type not in RETRIED else dk.RETRY

    def _count(self, outcome: str, lines: int | None = None) -> None:
        """Count a search, unless it only runs to be looked at."""
        if dk.probing():
            return
        self.searches.labels(outcome).inc()
        if lines is not None:
            self.matches.observe(lines)

    def message_label(self, message: dk.SourceMessage) -> str:
        payload = message.payload
        return payload['request_id'] if payload else message.label
