"""Payloads through a sink's whole lane, as a worker delivers them."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from gevent.event import Event

from drakkar.contracts.observer import Observer
from drakkar.contracts.sink import Sink
from drakkar.delivery.router import Router
from drakkar.delivery.settings import DeliverySettings
from drakkar.greenlets import Nursery
from drakkar.models.actions import Action
from drakkar.models.delivery import CancelScope, Provenance, SinkRef
from drakkar.models.message import SourceMessage
from drakkar.models.payload import Payload
from drakkar.testing.harness import MemoryDeadLetters


def through_lane(sink_type: str, sink: Sink, payloads: Sequence[Payload]) -> float:
    """Deliver each payload as that of a message of its own; return the seconds it took.

    Raises RuntimeError where one was not delivered.
    """
    messages = [SourceMessage('bench', 0, number, b'') for number in range(len(payloads))]
    finished, letters = Event(), MemoryDeadLetters()
    died: list[Any] = []
    nursery = Nursery(lambda *death: died.append(death))
    router = Router(
        {SinkRef(sink_type, sink.name): sink},
        letters,
        lambda _: Action.DLQ,
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
        raise RuntimeError(f'not delivered: {died or letters.letters[0].error}')
    return seconds


def compare(
    title: str, count: int, rounds: int, bare: Callable[[], float], product: Callable[[], float]
) -> dict[str, Any]:
    """Measure both in turn, `rounds` times; return the median rates of `count` and their ratio."""
    rates: dict[str, list[float]] = {'bare': [], 'product': []}
    for _ in range(rounds):
        rates['bare'].append(count / bare())
        rates['product'].append(count / product())
    ratios = [p / b for p, b in zip(rates['product'], rates['bare'], strict=True)]
    return {
        'title': title,
        'unit': 'payloads',
        'count': count,
        'product': {'rate': statistics.median(rates['product'])},
        'bare': {'rate': statistics.median(rates['bare'])},
        'rate_ratio': statistics.median(ratios),
    }


def show(figures: dict[str, Any], driver: str) -> None:
    """Print what `compare` returned on one line."""
    print(
        f'{figures["count"]:,} payloads: {figures["product"]["rate"]:,.0f}/s, '
        f'{driver} {figures["bare"]["rate"]:,.0f}/s, ratio {figures["rate_ratio"]:.0%}'
    )
