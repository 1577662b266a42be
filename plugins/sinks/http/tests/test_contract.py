from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from drakkar.testing.sink_contract import SinkContract
from drakkar_sink_http import HttpPayload, drakkar_register_sinks
from drakkar_sink_http.sink import HttpSink
from integration.servers import ports


class TestHttpSink(SinkContract):
    spec = drakkar_register_sinks()[0]
    ordered = False
    big_batch = 1000
    options: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def _endpoint_is_there(self, endpoint: Any) -> None:
        self.endpoint = endpoint

    def make_sink(self) -> HttpSink:
        options = {'url': self.endpoint.url, **self.options}
        return HttpSink('hook', self.spec.options().load(options))

    def make_unreachable_sink(self) -> HttpSink:
        options = {'url': f'http://127.0.0.1:{ports.pick()[0]}'}
        return HttpSink('hook', self.spec.options().load(options))

    def make_payload(self, number: int, value: Any = None) -> HttpPayload:
        return HttpPayload({'number': number, 'value': value})

    def read_back(self) -> list[tuple[int, Any]]:
        return [(row['number'], row['value']) for row in self.rows()]

    def rows(self) -> list[Any]:
        return self.endpoint.bodies()


class TestHttpSinkOneAtATime(TestHttpSink):
    ordered = True
    options: ClassVar[dict[str, Any]] = {'concurrency': '1'}


class TestHttpSinkWithKeys(TestHttpSink):
    options: ClassVar[dict[str, Any]] = {'idempotency_key_header': 'Idempotency-Key'}

    def rows(self) -> list[Any]:
        """Do as a receiver does: act once on each key."""
        requests = self.endpoint.requests()
        by_key = {request['headers']['Idempotency-Key']: request for request in requests}
        return [json.loads(request['body']) for request in by_key.values()]


class TestHttpSinkInLines(TestHttpSink):
    ordered = True
    options: ClassVar[dict[str, Any]] = {'batch': 'lines'}

    def rows(self) -> list[Any]:
        bodies = [request['body'] for request in self.endpoint.requests()]
        return [json.loads(line) for body in bodies for line in body.split('\n') if line]
