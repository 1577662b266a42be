"""Search requests over the files of a folder, for the ripgrep handler."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drakkar.errors import ConfigError

# What people do look for in code; the last ones match rarely or never.
PATTERNS = [
    r'^def \w+',
    r'^class \w+',
    r'^import \w+',
    r'raise \w+Error',
    r'except \w+',
    r'return None',
    r'for \w+ in range',
    r'isinstance\(',
    r'self\.\w+ =',
    r'lambda',
    r'yield',
    r'assert ',
    r'with open',
    r'TODO|FIXME|XXX',
    r'[A-Z_]{8,}',
    r'0x[0-9a-fA-F]+',
    r'https?://',
    r'async def',
    r'walrus operator',
    r'no such text anywhere',
]
_MAX_FILES = 2000
_SKIPPED = {'__pycache__', '.git', 'node_modules', 'site-packages', 'dist-packages'}


def find_files(folder: Path) -> list[str]:
    """Return text-like files below `folder`, sorted. Raises ConfigError where there are none."""
    if not folder.is_dir():
        raise ConfigError(f'--path {folder} is not a folder')
    found: list[str] = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in _SKIPPED)
        found += [os.path.join(root, n) for n in sorted(names) if _is_text(n)]
        if len(found) >= _MAX_FILES:
            break
    if not found:
        raise ConfigError(f'--path {folder} has no files to search')
    return found[:_MAX_FILES]


def _is_text(name: str) -> bool:
    suffix = os.path.splitext(name)[1].lower()
    return suffix in ('.py', '.txt', '.md', '.rst', '.c', '.h', '.cpp', '.js', '.ts', '.go', '.rs')


def make_requests(files: list[str], count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield `count` requests: one to three patterns over one to three files or folders each."""
    rng = random.Random(seed)
    folders = sorted({os.path.dirname(f) for f in files})
    for number in range(1, count + 1):
        places = [
            rng.choice(folders) if rng.random() < 0.2 else rng.choice(files)
            for _ in range(rng.randint(1, 3))
        ]
        yield {
            'request_id': f'demo-{number:05d}',
            'patterns': rng.sample(PATTERNS, rng.randint(1, 3)),
            'paths': list(dict.fromkeys(places)),
        }
