"""Payloads through a sink's whole lane, as a worker delivers them."""

from __future__ import annotations

import contextlib
import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

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


class Cost(NamedTuple):
    """What a measurement took: time, and CPU of this process."""

    seconds: float
    cpu: float


def stopwatch() -> Callable[[], Cost]:
    """Begin to measure; return what tells the cost since."""
    cpu, started = time.process_time(), time.perf_counter()
    return lambda: Cost(time.perf_counter() - started, time.process_time() - cpu)


def through_lane(sink_type: str, sink: Sink, payloads: Sequence[Payload]) -> Cost:
    """Deliver each payload as that of a message of its own; return what it took.

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

    with frozen():
        cost_so_far = stopwatch()
        for payload, message in zip(payloads, messages, strict=True):
            router.submit([payload], Provenance([message], scope), on_done)
        finished.wait()
        cost = cost_so_far()
    router.close()
    nursery.kill()
    if died or letters.letters:
        raise RuntimeError(f'not delivered: {died or letters.letters[0].error}')
    return cost


@contextlib.contextmanager
def frozen() -> Iterator[None]:
    """Keep what there is now out of the garbage collector's sight, on either side of a comparison.

    `drakkar serve` does so after its start. And in a worker there are as many payloads as
    messages in flight: the collector never has all of a benchmark to look through.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def compare(
    title: str, count: int, rounds: int, bare: Callable[[], Cost], product: Callable[[], Cost]
) -> dict[str, Any]:
    """Measure both in turn, `rounds` times; return medians: rate, CPU each, ratio of the rates.

    The CPU tells what a payload costs also where other programs take the machine's time.
    """
    costs: dict[str, list[Cost]] = {'bare': [], 'product': []}
    for _ in range(rounds):
        with frozen():
            costs['bare'].append(bare())
        costs['product'].append(product())
    ratios = [b.seconds / p.seconds for b, p in zip(costs['bare'], costs['product'], strict=True)]
    figures = {
        name: {
            'rate': statistics.median(count / cost.seconds for cost in runs),
            'cpu_us': statistics.median(cost.cpu / count * 1e6 for cost in runs),
        }
        for name, runs in costs.items()
    }
    return {
        'title': title,
        'unit': 'payloads',
        'count': count,
        **figures,
        'rate_ratio': statistics.median(ratios),
    }


def show(figures: dict[str, Any], driver: str) -> None:
    """Print what `compare` returned on one line."""
    product, bare = figures['product'], figures['bare']
    print(
        f'{figures["count"]:,} payloads: {product["rate"]:,.0f}/s, {product["cpu_us"]:.1f} µs; '
        f'{driver} {bare["rate"]:,.0f}/s, {bare["cpu_us"]:.1f} µs; '
        f'ratio {figures["rate_ratio"]:.0%}'
    )
