"""Files: every result, every summary, and a log of the large results without their lines."""

from __future__ import annotations

from drakkar_handler_ripgrep.routes import Data, Route
from drakkar_sink_filesystem import FilePayload

LARGE = 50


def result(data: Data) -> FilePayload:
    return FilePayload('results.jsonl', data)


def large(data: Data) -> FilePayload:
    return FilePayload('large.jsonl', {key: data[key] for key in data if key != 'lines'})


def summary(data: Data) -> FilePayload:
    return FilePayload('summaries.jsonl', data)


RESULTS = [Route(result, file='results'), Route(large, above=LARGE, file='large')]
SUMMARIES = [Route(summary, file='summaries')]
