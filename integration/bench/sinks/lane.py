"""Sends payloads through the whole lane of a sink, as a worker does, and takes the time."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from gevent.event import Event

import drakkar.api as dk
from drakkar.contracts.observer import Observer
from drakkar.delivery.router import Router
from drakkar.delivery.settings import DeliverySettings
from drakkar.greenlets import Nursery
from drakkar.models.delivery import CancelScope, Provenance
from drakkar.testing.harness import MemoryDeadLetters

# What a lane makes of payloads that wait: the default of `batch_max`.
BATCH = 500


def compare(
    title: str,
    count: int,
    rounds: int,
    bare: Callable[[], float],
    product: Callable[[], float],
) -> dict[str, Any]:
    """Take the seconds of both in turn, `rounds` times; return the median rates and ratio."""
    rates: dict[str, list[float]] = {'bare': [], 'product': []}
    for _ in range(rounds):
        for name, measure in (('bare', bare), ('product', product)):
            rates[name].append(count / measure())
    ratios = [p / b for p, b in zip(rates['product'], rates['bare'], strict=True)]
    return {
        'title': title,
        'unit': 'payloads',
        'count': count,
        'product': {'rate': statistics.median(rates['product'])},
        'bare': {'rate': statistics.median(rates['bare'])},
        'rate_ratio': statistics.median(ratios),
    }


def seconds_through(sink: dk.Sink, sink_type: str, payloads: Sequence[dk.Payload]) -> float:
    """Deliver one payload a message; return the seconds. Raises RuntimeError if one fails."""
    messages = [dk.SourceMessage('bench', 0, number, b'') for number in range(len(payloads))]
    letters, died, finished = MemoryDeadLetters(), [], Event()
    nursery = Nursery(lambda *death: died.append(death))
    router = Router(
        {dk.SinkRef(sink_type, sink.name): sink},
        letters,
        lambda _failure: dk.DLQ,
        Observer(),
        DeliverySettings(),
        nursery,
    )
    router.connect()
    scope, left = CancelScope(), len(payloads)

    def on_done() -> None:
        nonlocal left
        left -= 1
        if not left:
            finished.set()

    # In a worker they live as long as their message, and the collector never sees all at once.
    gc.collect()
    gc.freeze()
    started = time.perf_counter()
    for payload, message in zip(payloads, messages, strict=True):
        router.submit([payload], Provenance([message], scope), on_done)
    finished.wait()
    seconds = time.perf_counter() - started
    gc.unfreeze()
    router.close()
    nursery.kill()
    if died or letters.letters:
        raise RuntimeError(f'failed: {died or letters.letters[0].error}')
    return seconds


def show(figures: dict[str, Any], driver: str) -> None:
    """Print one line."""
    print(
        f'{figures["title"]}: {figures["count"]:,} payloads: {figures["product"]["rate"]:,.0f}/s, '
        f'bare {driver} {figures["bare"]["rate"]:,.0f}/s, ratio {figures["rate_ratio"]:.0%}'
    )
