"""Turns registries into the text that Prometheus scrapes, without blocking the hub for long."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator, Sequence

import gevent
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric

from drakkar import greenlets

# Reading values stays in the hub's thread, to which they belong, and lets the event loop
# turn whenever it took this long, in seconds. A sleep of 0 would only let greenlets run
# that are ready, and no timer or socket.
_SLICE = 0.002
_TURN = 0.0001
_WORTH_COMPRESSING = 16 * 1024  # bytes
_TYPES_WITH_CREATED = frozenset(('counter', 'histogram', 'summary'))


class _Families:
    """What an encoder needs of a registry: families that were read before."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def render(registries: Sequence[CollectorRegistry], accept: str) -> tuple[bytes, str]:
    """Return the body and its content type, as the Accept header wants it.

    A family that two registries have is taken from the first. Writing the text
    happens in a native thread.
    """
    encode, content_type = choose_encoder(accept)
    body = greenlets.offload(encode, _Families(list(_read(registries))))
    return body, content_type


def compress(body: bytes) -> bytes | None:
    """Return `body` in gzip, or None where that is not worth its time."""
    if len(body) < _WORTH_COMPRESSING:
        return None
    return greenlets.offload(gzip.compress, body, 1)


def _read(registries: Sequence[CollectorRegistry]) -> Iterator[Metric]:
    seen: set[str] = set()
    started = time.perf_counter()
    for registry in registries:
        for family in registry.collect():
            if family.name not in seen:
                seen.add(family.name)
                yield _without_created(family)
            if time.perf_counter() - started > _SLICE:
                gevent.sleep(_TURN)
                started = time.perf_counter()


def _without_created(family: Metric) -> Metric:
    """Drop the creation times, which double the series and tell nothing that `start` does not."""
    if family.type in _TYPES_WITH_CREATED:
        created = f'{family.name}_created'
        family.samples = [s for s in family.samples if s.name != created]
    return family
