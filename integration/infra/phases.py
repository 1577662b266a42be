"""The load pattern of the producer: phases of messages at a rate, and pauses."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Phase:
    """So many messages at so many a second (0: as fast as it goes), or silence for `pause` s.

    `messages` None means those that no other phase sends.
    """

    name: str
    messages: int | None = 0
    rate: float = 0
    pause: float = 0


PHASES = (
    Phase('0 slow drip', 10, rate=0.2),
    Phase('1 warm-up', 500, rate=15),
    Phase('2 pause', pause=15),
    Phase('3 burst', 200),
    Phase('4 steady', 2000, rate=20),
    Phase('5 pause', pause=10),
    Phase('6 burst', 300),
    Phase('7 cool-down', None, rate=10),
    Phase('8 flood', 5000),
)
TOTAL = 10_000


def plan(total: int, speed: float = 1) -> list[Phase]:
    """Return the phases for `total` messages; all times are divided by `speed`.

    More than 10,000 make the cool-down longer, fewer make every phase shorter.
    """
    share = min(1, total / TOTAL)
    counts = [round((phase.messages or 0) * share) for phase in PHASES]
    rest = total - sum(counts)
    return [
        replace(
            phase,
            messages=rest if phase.messages is None else count,
            rate=phase.rate * speed,
            pause=phase.pause / speed,
        )
        for phase, count in zip(PHASES, counts, strict=True)
    ]
