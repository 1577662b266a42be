"""Every link between the pages, and those to Prometheus and to what the user configured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

_SAFE_SCHEMES = ('http', 'https')


def task(task_id: str) -> str:
    return f'/task/{quote(task_id, safe="")}'


def trace(partition: int, offset: int) -> str:
    return f'/debug?{urlencode({"tab": "trace", "q": f"{partition}:{offset}"})}'


def history(**filters: Any) -> str:
    """Return the link to recorded events: `event`, `partition`, `origin`..."""
    return f'/history?{urlencode(filters, doseq=True)}'


def partition(topic: str, number: int) -> str:
    return f'/partitions/{number}?{urlencode({"topic": topic})}'


def prometheus(base: str, expression: str, hours: int = 1) -> str:
    """Return the link to a graph, empty where no Prometheus is configured."""
    if not safe(base):
        return ''
    query = {'g0.expr': expression, 'g0.tab': 0, 'g0.range_input': f'{hours}h'}
    return f'{base.rstrip("/")}/graph?{urlencode(query)}'


def safe(url: str) -> str:
    """Return a URL that may be a link, or nothing: never `javascript:`, never credentials."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ''
    ok = parts.scheme in _SAFE_SCHEMES and parts.hostname and '@' not in parts.netloc
    return url.strip() if ok else ''


def filled(template: str, values: Mapping[str, Any]) -> str:
    """Return a link of the user's with its placeholders filled in; others stay as they are."""
    for name, value in values.items():
        template = template.replace('{' + name + '}', quote(str(value), safe=''))
    return safe(template)
