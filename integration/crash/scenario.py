"""The scenarios: kill one worker over and over; kill one of two."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from integration.crash.rig import Rig, wait_for

_FIRST_SECONDS = 60
_FINISH_SECONDS = 120


@dataclass
class Report:
    """What came out. `missing` must be 0; duplicates are what a crash may cost."""

    scenario: str
    seed: int
    kills: int
    messages: int
    tasks: int
    missing_messages: int
    missing_tasks: int
    duplicate_messages: int
    duplicate_tasks: int
    uncommitted: int
    orphans: int
    exit_code: int
    seconds: float

    @property
    def lost_nothing(self) -> bool:
        left = (self.missing_messages, self.missing_tasks, self.uncommitted, self.orphans)
        return not any(left) and self.exit_code == 0

    def plain(self) -> dict[str, Any]:
        return {**asdict(self), 'lost_nothing': self.lost_nothing}


def one_worker(folder: Path, seed: int, kills: int, per_round: int) -> Report:
    """One worker, killed at random moments while messages come in."""

    def rounds(rig: Rig) -> None:
        for _ in range(kills):
            rig.workers.start('worker-1')
            _live_a_while(rig, 'worker-1', per_round)
            rig.workers.kill('worker-1')
        rig.workers.start('worker-1')

    return _run('one worker', folder, seed, kills, rounds)


def two_workers(folder: Path, seed: int, kills: int, per_round: int) -> Report:
    """Two workers share the log; each round one of them is killed and started again."""

    def rounds(rig: Rig) -> None:
        rig.workers.start('worker-1')
        rig.workers.start('worker-2')
        for _ in range(kills):
            victim = rig.rng.choice(['worker-1', 'worker-2'])
            _live_a_while(rig, victim, per_round)
            rig.workers.kill(victim)
            rig.workers.start(victim)

    return _run('two workers', folder, seed, kills, rounds)


def _live_a_while(rig: Rig, victim: str, messages: int) -> None:
    """Produce, let work begin, wait for a random moment; the victim must still run by itself."""

    def tasks() -> int:
        return sum(rig.delivered('tasks.jsonl').values())

    # Before they are produced: two workers may have done them all by the time of a look.
    before = tasks()
    rig.produce(messages)
    wait_for(lambda: tasks() > before, _FIRST_SECONDS, 'first results')
    time.sleep(rig.rng.uniform(0, 0.4))
    code = rig.workers.processes[victim].poll()
    assert code is None, f'{victim} ended by itself with exit code {code}'


def _run(name: str, folder: Path, seed: int, kills: int, rounds: Callable[[Rig], None]) -> Report:
    started = time.monotonic()
    rig = Rig(folder, random.Random(seed))
    try:
        rounds(rig)
        wait_for(lambda: rig.uncommitted() == 0, _FINISH_SECONDS, 'everything committed')
        # All may have been done before the last start: a signal then ends Python, not a worker.
        names = list(rig.workers.processes)
        wait_for(lambda: all(map(rig.workers.is_running, names)), _FIRST_SECONDS, 'all run')
        codes = rig.workers.stop()
        wait_for(lambda: not rig.orphans(), 10, 'no program without its worker')
        # That of a worker that a signal has ended is below 0.
        worst = max(codes.values(), key=abs)
        return _books(name, rig, seed, kills, worst, time.monotonic() - started)
    finally:
        rig.close()


def _books(name: str, rig: Rig, seed: int, kills: int, exit_code: int, seconds: float) -> Report:
    messages, tasks = rig.delivered('messages.jsonl'), rig.delivered('tasks.jsonl')
    expected = [f'{rig.tag}-{n}' for n in range(rig.sent)]
    return Report(
        scenario=name,
        seed=seed,
        kills=kills,
        messages=len(expected),
        tasks=2 * len(expected),
        missing_messages=sum(1 for m in expected if m not in messages),
        missing_tasks=sum(1 for m in expected for n in (0, 1) if f'{m}.{n}' not in tasks),
        duplicate_messages=_duplicates(messages),
        duplicate_tasks=_duplicates(tasks),
        uncommitted=rig.uncommitted(),
        orphans=len(rig.orphans()),
        exit_code=exit_code,
        seconds=round(seconds, 1),
    )


def _duplicates(found: Counter[str]) -> int:
    return sum(count - 1 for count in found.values())
