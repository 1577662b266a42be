"""Plays the timeline on a running stack, waits until all is processed, and reads the books."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from integration.chaos.proof import Proof, prove
from integration.chaos.timeline import BEGIN_SHARE, ROLLING_OUTAGE, Step, described
from integration.chaos.watch import FAST_GROUP, MAIN_GROUP, Sample, Watch
from integration.infra import topics
from integration.stack.plan import MAIN_CLUSTER, WORKERS
from integration.stack.services import PRODUCER

_LEAST_POLL_SECONDS = 1.0


class Orders(Protocol):
    """Where workers are stopped and started: the native stack's `Control`, or `Containers`."""

    def ask(self, action: str, service: str = '', **variables: str) -> dict[str, Any]: ...

    def running(self, service: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Settings:
    """How the outage is played.

    Args:
        total: messages that the producer sends.
        speed: divides the times of the steps and the polls.
        kill: end workers with SIGKILL, and at once, instead of asking them to stop.
        poll_seconds: between two looks at the dashboards, before `speed`.
        limit_seconds: for everything to be processed.
        seed: of the producer, for the report.
    """

    total: int
    speed: float = 1
    kill: bool = False
    poll_seconds: float = 5
    limit_seconds: float = 3600
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened, when (seconds, like the samples), and what came out."""

    settings: Settings
    events: list[tuple[float, str]]
    samples: list[Sample]
    proof: Proof


class Chaos:
    """One rolling outage."""

    def __init__(self, control: Orders, settings: Settings) -> None:
        self._control = control
        self._settings = settings
        ports = control.ask('status')['ports']
        self._at = {name: f'127.0.0.1:{port}' for name, port in ports.items()}
        boards = {worker.name: ports[f'{worker.name}-debug'] for worker in WORKERS}
        self._watch = Watch(boards, self._at['kafka'])
        self._events: list[tuple[float, str]] = []

    def run(self) -> Outcome:
        """Play it. Raises ControlError, TimeoutError, UNREADABLE."""
        first = self._settings.total * BEGIN_SHARE
        self._look_until(
            lambda s: s.processed[MAIN_GROUP] >= first, f'{first:g} processed messages'
        )
        self._tell(f't1: {self._watch.samples[-1].processed[MAIN_GROUP]} processed')
        begin = time.monotonic()
        for step, text in zip(ROLLING_OUTAGE, described(MAIN_CLUSTER), strict=True):
            self._look_for(begin + step.at / self._settings.speed)
            self._tell(text)
            self.play(step)
        self._look_until(self.all_done, 'the end of all messages')
        self._tell('all processed')
        proof = prove(self._at, self._settings.total)
        return Outcome(self._settings, self._events, self._watch.samples, proof)

    def prove(self) -> Proof:
        """Read the books as they are now, of what was produced until now."""
        return prove(self._at)

    def play(self, step: Step) -> None:
        """Do what a step says."""
        if step.up:
            # Where times are divided, it may still be ending its tasks.
            if self._control.running(step.up):
                self._look_until(lambda _: not self._control.running(step.up), f'end of {step.up}')
            self._control.ask('start', step.up)
        if step.down:
            self._control.ask('kill' if self._settings.kill else 'stop', step.down)

    def all_done(self, sample: Sample) -> bool:
        """Return whether all is produced and processed, and all workers have their share again."""
        if self._control.running(PRODUCER) or sample.produced < self._settings.total:
            return False
        owned = [sample.partitions.get(name, 0) for name in MAIN_CLUSTER]
        settled = all(owned) and sum(owned) == topics.planned()[topics.REQUESTS]
        done = all(sample.processed[g] >= sample.produced for g in (MAIN_GROUP, FAST_GROUP))
        return done and settled

    def _look_for(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, self._poll()))
            self._watch.look()

    def _look_until(self, done: Callable[[Sample], bool], what: str) -> None:
        until = time.monotonic() + self._settings.limit_seconds
        while not done(self._watch.look()):
            if time.monotonic() > until:
                raise TimeoutError(f'{what}: not within {self._settings.limit_seconds:g} s')
            time.sleep(self._poll())

    def _poll(self) -> float:
        return max(_LEAST_POLL_SECONDS, self._settings.poll_seconds / self._settings.speed)

    def _tell(self, text: str) -> None:
        at = round(time.monotonic() - self._watch.begin, 1)
        self._events.append((at, text))
        print(f'{at:6.1f} s  *** {text}', flush=True)
