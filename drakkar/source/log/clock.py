"""The clock of leases: the machine's monotonic one, which all its processes share.

Wall time jumps (NTP, an operator, a suspended virtual machine), and then a
lease would end early or live on. CLOCK_MONOTONIC does not, and it is one clock
for the whole machine; a reboot, which sets it back and ends every process, is
told by the boot id that is stored beside each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_BOOT_ID = Path('/proc/sys/kernel/random/boot_id')


@dataclass(frozen=True, slots=True)
class Clock:
    """`boot` names this run of the machine; `now()` is in seconds since some moment of it."""

    boot: str
    now: Callable[[], float] = time.monotonic


def machine_clock() -> Clock:
    """Return this machine's clock. Where there is no boot id, times alone must do."""
    try:
        return Clock(_BOOT_ID.read_text().strip())
    except OSError:
        return Clock('')
