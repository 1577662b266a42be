"""Settings of the programs of this folder: environment variables, as containers have them."""

from __future__ import annotations

import argparse
import math
import os


def only_help(text: str | None) -> None:
    """Show a program's docstring for `--help`, and refuse any other argument."""
    argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()


def number(name: str, default: float, *, least: float = 0, most: float = math.inf) -> float:
    """Return the number that a variable has. Raises ValueError with its name."""
    text = os.environ.get(name) or str(default)
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f'{name}={text}: not a number')
    if not least <= found <= most:
        upper = '' if most == math.inf else f', at most {most:g}'
        raise ValueError(f'{name}={text}: must be at least {least:g}{upper}')
    return found


def whole(name: str, default: int) -> int:
    """Return the whole number that a variable has, 0 or more. Raises ValueError with its name."""
    found = number(name, default)
    if found != int(found):
        raise ValueError(f'{name}={os.environ[name]}: not a whole number')
    return int(found)


def bounds(name: str, default: tuple[int, int]) -> range:
    """Return the numbers of a variable LOW-HIGH. Raises ValueError with its name."""
    text = os.environ.get(name) or '{}-{}'.format(*default)
    low, _, high = text.partition('-')
    if not (low.isdecimal() and (high or low).isdecimal() and 1 <= int(low) <= int(high or low)):
        raise ValueError(f'{name}={text}: not LOW-HIGH, both at least 1')
    return range(int(low), int(high or low) + 1)
