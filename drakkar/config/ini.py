"""Reads and writes INI text, with the line of everything.

The dialect is that of the standard library's configparser without
interpolation: `[section]`, `key = value`, comments on lines of their own that
begin with `#` or `;`, and values that go on in lines indented deeper than their
key. Keys and sections are case-sensitive, only `=` separates, nothing is
special about `[DEFAULT]`. configparser itself forgets line numbers, and stops
at the first duplicate.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_COMMENT = ('#', ';')


@dataclass(slots=True)
class Entry:
    """One `key = value`, with the line of its key, counted from 1."""

    section: str
    key: str
    value: str
    line: int


@dataclass(slots=True)
class Document:
    """What a text holds: sections with the line of their header, entries, and mistakes by line."""

    sections: dict[str, int] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)


def parse(text: str) -> Document:
    """Read INI text. Mistakes are collected, so that all of them can be told at once."""
    return _Parser().parse(text)


class _Parser:
    def __init__(self) -> None:
        self._document = Document()
        self._keys: dict[tuple[str, str], int] = {}
        self._section: str | None = None
        # The value that indented lines go on with, and how deep its key is indented.
        self._open: list[str] | None = None
        self._indent = 0
        self._values: list[tuple[Entry, list[str]]] = []

    def parse(self, text: str) -> Document:
        for number, line in enumerate(_lines(text), 1):
            self._line(number, line)
        for entry, lines in self._values:
            # Empty lines belong to a value, but not those after it.
            entry.value = '\n'.join(lines).rstrip()
        return self._document

    def _line(self, number: int, line: str) -> None:
        stripped = line.strip()
        if stripped.startswith(_COMMENT):
            return
        if '\0' in stripped:
            self._problem(number, 'a NUL character is not allowed')
            return
        if not stripped:
            if self._open is not None:
                self._open.append('')
            return
        indent = len(line) - len(line.lstrip())
        if self._open is not None and indent > self._indent:
            self._open.append(stripped)
            return
        self._open = None
        if stripped.startswith('['):
            self._header(number, stripped)
        else:
            self._option(number, stripped, indent)

    def _header(self, number: int, text: str) -> None:
        name = text[1:-1].strip()
        if not text.endswith(']') or not name:
            # What follows has no section that could be named, so nothing more is said about it.
            self._section = ''
            self._problem(number, 'expected a section header: [name] and nothing behind it')
            return
        self._section = name
        first = self._document.sections.setdefault(name, number)
        if first != number:
            self._problem(number, f'[{name}]: duplicate section, the first is in line {first}')

    def _option(self, number: int, text: str, indent: int) -> None:
        key, separator, value = (part.strip() for part in text.partition('='))
        if not separator or not key:
            self._problem(number, f'{_word(key)}expected `key = value` or a [section]')
        elif self._section is None:
            self._problem(number, f'{key}: stands before the first [section]')
        else:
            self._open, self._indent = [value], indent
            self._add(Entry(self._section, key, value, number), self._open)

    def _add(self, entry: Entry, lines: list[str]) -> None:
        if not entry.section:
            return
        first = self._keys.setdefault((entry.section, entry.key), entry.line)
        if first != entry.line:
            self._problem(
                entry.line,
                f'[{entry.section}] {entry.key}: duplicate key, the first is in line {first}',
            )
            return
        self._document.entries.append(entry)
        self._values.append((entry, lines))

    def _problem(self, number: int, text: str) -> None:
        self._document.problems.append((number, text))


def _lines(text: str) -> list[str]:
    """Split at line ends only; str.splitlines also splits at form feeds and the like."""
    return text.replace('\r\n', '\n').replace('\r', '\n').split('\n')


def _word(text: str) -> str:
    """Quote the option that a line without `=` begins with.

    Not more of it, and nothing with digits: the line may be part of a secret.
    """
    word = re.match(r'[a-z_]{1,40}(?=[\s:]|$)', text)
    return f'{word[0]}: ' if word else ''


def render(sections: Mapping[str, Mapping[str, str]]) -> str:
    """Write sections as INI text, which `parse` reads back to the same keys and values.

    That holds for keys without `=` and for values whose lines have no blanks at
    their ends, are not empty at the end, and do not begin like a comment.
    """
    return '\n'.join(_section(name, values) for name, values in sections.items())


def _section(name: str, values: Mapping[str, str]) -> str:
    return f'[{name}]\n' + ''.join(assignment(key, value) for key, value in values.items())


def assignment(key: str, value: str) -> str:
    """Return the lines for one `key = value`."""
    first, *more = value.split('\n')
    lines = [f'{key} = {first}'.rstrip(), *(f'    {line}'.rstrip() for line in more)]
    return ''.join(f'{line}\n' for line in lines)
