"""How mistakes are told: where, which option, what was found, what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal['default', 'file', 'env', 'set']
_ORDER: tuple[Kind, ...] = ('file', 'env', 'set', 'default')


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from; `name` is the file, the variable or the flag."""

    kind: Kind
    name: str = ''
    line: int = 0

    def __str__(self) -> str:
        if self.kind == 'default':
            return self.name or 'default'
        return f'{self.name}:{self.line}' if self.line else self.name

    def rank(self) -> tuple[int, str, int]:
        """Sort key: the file by line, then the environment, then flags, then what is missing."""
        return _ORDER.index(self.kind), self.name, self.line


DEFAULT = Origin('default')


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `place` is `[section] key`, as far as there is one."""

    origin: Origin
    place: str
    text: str

    def __str__(self) -> str:
        where = '' if self.origin == DEFAULT else f'{self.origin}: '
        return where + (f'{self.place}: ' if self.place else '') + self.text


def place(section: Iterable[str], key: str = '') -> str:
    """Name an option or a section as people find it in the file."""
    header = f'[{".".join(section)}]'
    return f'{header} {key}' if key else header


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that `name` was probably meant to be, or an empty text."""
    originals = {plain(candidate): candidate for candidate in known}
    found = difflib.get_close_matches(plain(name), originals, n=1)
    return originals[found[0]] if found else ''


def plain(name: str) -> str:
    """Return a name as it is compared where case does not count and `-` is the same as `_`."""
    return name.lower().replace('-', '_')


def quote(text: str) -> str:
    """Return a found value on one line, cut where it is long."""
    line = text if text.isprintable() else repr(text)
    return line if len(line) <= 80 else line[:80] + '…'


def listed(names: Iterable[str]) -> str:
    """Return names for a message."""
    return ', '.join(names) or 'none'
