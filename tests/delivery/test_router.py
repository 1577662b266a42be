"""The promise of delivery as a whole: told exactly once, nothing lost, whatever fails."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from drakkar.delivery import attempt as attempt_module
from drakkar.errors import (
    AmbiguousSinkError,
    PartialDeliveryError,
    RefusedError,
    SinkNotConfiguredError,
    TransientSinkError,
)
from drakkar.models.actions import DLQ, RETRY, SKIP
from drakkar.models.delivery import Provenance
from drakkar.models.payload import Payload
from tests.delivery.world import FakePayload, FakeSink, IdempotentSink, World


def test_a_wrong_payload_is_found_before_anything_is_queued(world: World) -> None:
    first, second = FakeSink('first'), FakeSink('second')
    router = world.start(first, second)
    provenance = Provenance([world.message()], world.scope)
    good = FakePayload(1, sink='first')
    for wrong, error in [
        (FakePayload(2), AmbiguousSinkError),
        (FakePayload(2, sink='third'), SinkNotConfiguredError),
    ]:
        with pytest.raises(error):
            router.submit([good, wrong], provenance, lambda: world.done.append(1))
    assert router.idle
    assert first.calls == []


class Chaos:
    """Makes a sink fail in every way there is, now and then."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def __call__(self, payloads: Sequence[Payload]) -> None:
        dice = self.random.random()
        if any(p.data % 17 == 0 for p in payloads):
            raise RefusedError('never')
        if dice < 0.1:
            raise TransientSinkError('away')
        if dice < 0.2:
            raise ValueError('broken')
        if dice < 0.3:
            failed = {i for i in range(len(payloads)) if self.random.random() < 0.5}
            raise PartialDeliveryError({i: ValueError() for i in failed})

    def answer(self, failure: Any) -> Any:
        return self.random.choice([RETRY, RETRY, RETRY, DLQ, SKIP])


class RecordingSink(IdempotentSink):
    """Also stores what a partial delivery wrote."""

    def deliver(self, payloads: Sequence[Payload]) -> None:
        try:
            super().deliver(payloads)
        except PartialDeliveryError as error:
            self.stored += [p.data for i, p in enumerate(payloads) if i not in error.failures]
            raise


@pytest.mark.parametrize('seed', range(5))
def test_whatever_fails_every_payload_ends_once(
    world: World, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt_module, 'QUICK_RETRIES', (0.001,))
    chaos = Chaos(seed)
    sink = RecordingSink(batch_max=7, queue_max=20, failure_threshold=4, cooldown_seconds=0.01)
    world.start(sink, retry_backoff_seconds=0.001, retry_backoff_max_seconds=0.002)
    sink.behave = chaos
    world.answer = chaos.answer
    world.queue.broken = True
    number = 0
    for name in range(120):
        size = chaos.random.randint(1, 12)
        world.submit(*range(number, number + size), name=name)
        number += size
        if name == 60:
            world.queue.broken = False
    world.settle()
    assert sorted(world.done) == list(range(120))
    dead = [p.data for letter in world.queue.letters for p in letter.payloads]
    skipped = [p.data for _, payloads in world.ears.all('sink_skipped') for p in payloads]
    assert sorted([*sink.stored, *dead, *skipped]) == list(range(number))
    delivered = [p.data for _, payloads, *_ in world.ears.all('sink_delivered') for p in payloads]
    assert sorted(delivered) == sorted(sink.stored)
    assert world.died == []
