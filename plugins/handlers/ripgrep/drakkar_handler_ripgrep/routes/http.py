"""HTTP: tells a webhook of searches that matched much, without their lines."""

from __future__ import annotations

from drakkar_handler_ripgrep.routes import Data, Route
from drakkar_sink_http import HttpPayload

NOTABLE = 20


def notification(data: Data) -> HttpPayload:
    return HttpPayload({key: data[key] for key in data if key != 'lines'})


RESULTS = [Route(notification, above=NOTABLE)]
SUMMARIES: list[Route] = []
