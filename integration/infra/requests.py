"""The search requests that the producer sends; the same seed makes the same ones."""

from __future__ import annotations

import random
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SLOW_REPEAT = (150, 250)
USUAL_REPEAT = (1, 8)

# Parts of Python's standard library: they are where the producer and the workers run.
_PLACES = (
    'asyncio',
    'collections',
    'concurrent',
    'email',
    'encodings',
    'html',
    'http',
    'importlib',
    'json',
    'logging',
    'multiprocessing',
    'pathlib.py',
    'random.py',
    'sqlite3',
    'subprocess.py',
    'typing.py',
    'unittest',
    'urllib',
    'xml',
    'zipfile.py',
)
_PATTERNS = (
    r'def \w+',
    r'class [A-Z]\w+',
    r'raise \w+Error',
    r'import (os|sys|re)\b',
    r'TODO|FIXME|XXX',
    r'async def \w+',
    r'return (None|True|False)$',
    r'lambda \w+:',
    r'^\s*#.*\bbug\b',
    r'isinstance\(\w+, \w+\)',
    r'self\._\w+ = None',
    r'except \w+ as \w+',
    r'with open\(',
    r'\b0x[0-9a-f]{4}\b',
    r'no such line anywhere here',
)


def search_requests(seed: int, slow_percent: float, slow: range, usual: range) -> Iterator[Any]:
    """Yield request after request, without end.

    Args:
        seed: the same seed yields the same requests.
        slow_percent: share of the slow outliers.
        slow: how often their search is repeated.
        usual: how often that of the others is.
    """
    chooser = random.Random(seed)
    places = _places()
    number = 0
    while True:
        number += 1
        is_slow = chooser.random() * 100 < slow_percent
        yield {
            'request_id': request_id(number),
            'pattern': chooser.choice(_PATTERNS),
            'file_path': chooser.choice(places),
            'repeat': chooser.choice(slow if is_slow else usual),
        }


def request_id(number: int) -> str:
    """Return the id of the so many-th request, counted from 1."""
    return f'r-{number:05d}'


def _places() -> list[str]:
    library = Path(sysconfig.get_paths()['stdlib'])
    return [str(library / place) for place in _PLACES if (library / place).exists()]
