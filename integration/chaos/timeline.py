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


def alive(workers: tuple[str, ...], steps: tuple[Step, ...]) -> tuple[str, ...]:
    """Return which of the workers are up after these steps."""
    up = set(workers)
    for step in steps:
        up.discard(step.down)
        up |= {step.up} if step.up else set()
    return tuple(worker for worker in workers if worker in up)
