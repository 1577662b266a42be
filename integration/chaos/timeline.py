"""What happens to which worker, and when."""

from __future__ import annotations

from dataclasses import dataclass

# The first step comes when this share of all messages was processed.
BEGIN_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Step:
    """`down` and `up` are workers that stop and start, `at` seconds after the beginning."""

    at: float
    down: str = ''
    up: str = ''

    def __str__(self) -> str:
        words = [f'{self.up} starts' if self.up else '', f'{self.down} stops' if self.down else '']
        return ', '.join(filter(None, words))


ROLLING_OUTAGE = (
    Step(30, down='worker-2'),
    Step(150, down='worker-3'),
    Step(390, up='worker-2', down='worker-1'),
    Step(450, up='worker-1'),
    Step(510, up='worker-3'),
)


def described(workers: tuple[str, ...], steps: tuple[Step, ...] = ROLLING_OUTAGE) -> list[str]:
    """Return a line for each step, with those of the workers that are up after it."""
    up, lines = set(workers), []
    for step in steps:
        up.discard(step.down)
        up |= {step.up} if step.up else set()
        live = ', '.join(worker for worker in workers if worker in up)
        lines.append(f'{step} (live: {live})')
    return lines
