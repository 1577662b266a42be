"""Handlers of the tests: what the request says is what happens."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

import drakkar.api as dk


class WorkRequest(Schema):
    """`script` runs in a shell, `times` times; `precomputed` needs no run."""

    request_id = fields.String(load_default='')
    script = fields.String(load_default='true')
    times = fields.Integer(load_default=1, strict=True, validate=validate.Range(0, 100))
    precomputed = fields.Boolean(load_default=False)
    raises = fields.String(load_default='')
    returns = fields.Raw(load_default=None, allow_none=True)


class ShellHandler(dk.Handler):
    """Runs shell scripts, of messages and of requests."""

    http_request_schema = WorkRequest
    held: dict[str, Any] = {}  # noqa: RUF012 - what a test wants to see

    def on_startup(self, config: Any) -> Any:
        config.executor.binary_path = '/bin/sh'
        return config

    def arrange(self, messages: Any, pending: Any) -> list[dk.ExecutorTask]:
        return [
            dk.ExecutorTask(args=['-c', m.payload['script']], source_offsets=[m.offset])
            for m in messages
        ]

    def http_request_id(self, request: Any, headers: Any) -> str:
        self._raise(request, 'http_request_id')
        return request['request_id'] or headers.get('X-Request-ID', '')

    def arrange_http_request(self, request: Any, pending: Any) -> list[dk.ExecutorTask]:
        self._raise(request, 'arrange_http_request')
        ready = dk.PrecomputedResult(stdout='ready') if request['precomputed'] else None
        return [
            dk.ExecutorTask(args=['-c', request['script']], precomputed=ready)
            for _ in range(request['times'])
        ]

    def on_error(self, task: Any, error: Any) -> dk.Action:
        return dk.RETRY if error.exit_code == 75 else dk.SKIP

    def on_http_request_complete(self, group: dk.MessageGroup) -> Any:
        request = group.source_message.payload
        self._raise(request, 'on_http_request_complete')
        if request['returns'] == 'set':
            return {'a': object()}
        return request['returns'] or {'stdout': [r.stdout for r in group.results]}

    def _raise(self, request: Any, hook: str) -> None:
        if request['raises'] == hook:
            raise RuntimeError('secret of the traceback')
