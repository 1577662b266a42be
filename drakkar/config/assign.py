"""Collects what the file, the environment and flags say, in that order; the last one wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema

from drakkar.config import ini
from drakkar.config.base import Option
from drakkar.config.expand import expand
from drakkar.config.masking import mask_text
from drakkar.config.nested import Mapping as FreeMapping
from drakkar.config.nested import Section
from drakkar.config.problems import DEFAULT, Origin, Problem, listed, nearest, place, quote
from drakkar.config.tree import (
    Node,
    Path,
    Spelling,
    UnknownName,
    find_option,
    find_section,
    guess_option,
)
from drakkar.redact import MASK, is_secret_name

PREFIX = 'DK_'
SEPARATOR = '__'
_VARIABLES = Spelling(SEPARATOR, exact=False)
_FLAGS = Spelling('.', exact=True)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A value of one option: the text it has, and the text as it may be shown in a message.

    `node` is the option's declaration, or the free keys it is one of. Where there
    are `problems`, the value could not be made out.
    """

    value: Any
    shown: str
    origin: Origin
    node: Node
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class Assignments:
    """All that was said about options, by path, and all mistakes in saying it.

    `sections` holds the paths that have a header in the file.
    """

    values: dict[Path, Assignment] = field(default_factory=dict)
    sections: dict[Path, Origin] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def text(self, *path: str) -> str | None:
        """Return what an option was set to, if it was and could be made out."""
        found = self.values.get(path)
        return None if found is None or found.problems else str(found.value)

    def origin(self, path: Path) -> Origin:
        """Return where the value of an option comes from."""
        found = self.values.get(path)
        return DEFAULT if found is None else found.origin

    def names_below(self, path: Path) -> list[str]:
        """Return the names that follow `path` in all paths, in the order they came."""
        depth = len(path)
        longer = (p for p in (*self.sections, *self.values) if len(p) > depth)
        return list(dict.fromkeys(p[depth] for p in longer if p[:depth] == path))

    def nested(self) -> dict[str, Any]:
        """Return the values as nested mappings, sections without any value too."""
        root: dict[str, Any] = {}
        for path in self.sections:
            _enter(root, path)
        for path, assignment in self.values.items():
            if not assignment.problems:
                _enter(root, path[:-1])[path[-1]] = assignment.value
        return root


def _enter(mapping: dict[str, Any], path: Path) -> dict[str, Any]:
    for name in path:
        mapping = mapping.setdefault(name, {})
    return mapping


class Collector:
    """Fills `Assignments` for the configuration that `root` describes."""

    def __init__(self, root: Schema, environ: Mapping[str, str]) -> None:
        self._root = root
        self._environ = environ
        self.found = Assignments()

    def file(self, name: str, document: ini.Document) -> None:
        """Take what a file says."""
        for line, text in document.problems:
            self._problem(Origin('file', name, line), '', text)
        known: dict[str, Schema | FreeMapping] = {}
        for header, line in document.sections.items():
            path, origin = tuple(header.split('.')), Origin('file', name, line)
            try:
                known[header] = find_section(self._root, path)
            except UnknownName as error:
                self._problem(origin, place(path), _unknown_section(error))
            else:
                self.found.sections[path] = origin
        for entry in document.entries:
            if entry.section in known:
                origin = Origin('file', name, entry.line)
                self._entry(origin, known[entry.section], entry)

    def _entry(self, origin: Origin, section: Schema | FreeMapping, entry: ini.Entry) -> None:
        path = (*entry.section.split('.'), entry.key)
        if isinstance(section, FreeMapping):
            self._assign(path, section, entry.value, origin)
            return
        option = section.fields.get(entry.key)
        if option is not None and not isinstance(option, Section):
            self._assign(path, option, entry.value, origin)
            return
        if option is not None:
            text = f'is a section: write it as [{entry.section}.{entry.key}]'
        else:
            options = [n for n, f in section.fields.items() if not isinstance(f, Section)]
            text = 'unknown option' + self._elsewhere(entry.key, options)
        self._problem(origin, place(path[:-1], entry.key), text)

    def _elsewhere(self, key: str, options: list[str]) -> str:
        """Say which option of this section was meant, or in which other one this name is."""
        near = nearest(key, options)
        others = [] if near else [n for n, f in self._root.fields.items() if key in _keys(f)]
        if others:
            hint = f', it belongs in [{others[0]}]'
        else:
            hint = f", did you mean '{near}'?" if near else ''
        return f'{hint}{"" if hint.endswith("?") else ";"} known: {listed(options)}'

    def environment(self) -> None:
        """Take what the environment says. A `DK_` name without `__` is not about an option."""
        for name in sorted(n for n in self._environ if n.startswith(PREFIX)):
            if SEPARATOR not in name[len(PREFIX) :]:
                self._single_underscores(name)
                continue
            path, origin = tuple(name[len(PREFIX) :].split(SEPARATOR)), Origin('env', name)
            try:
                exact, option = self._find(path, _VARIABLES)
            except UnknownName as error:
                self._problem(origin, '', 'unknown option' + _variable_hint(error))
            else:
                self._assign(exact, option, self._environ[name], origin, literal=True)

    def _single_underscores(self, name: str) -> None:
        """Refuse a variable that reads as an option but for its separators: it had no effect."""
        path = guess_option(self._root, name[len(PREFIX) :].lower().split('_'))
        if path is not None:
            text = f'`__` separates section and key, did you mean {_variable(path)}?'
            self._problem(Origin('env', name), '', text)

    def flags(self, overrides: Iterable[str]) -> None:
        """Take `section.key=value` texts of `--set`."""
        for text in overrides:
            name, separator, value = text.partition('=')
            origin = Origin('set', f'--set {name.strip()}')
            path = tuple(name.strip().split('.'))
            if not separator or len(path) < 2:
                self._problem(origin, '', 'expected --set section.key=value')
                continue
            try:
                exact, option = self._find(path, _FLAGS)
            except UnknownName as error:
                self._problem(origin, '', 'unknown option' + _flag_hint(error))
            else:
                self._assign(exact, option, value.strip(), origin)

    def _find(self, path: Path, spelling: Spelling) -> tuple[Path, Node]:
        return find_option(self._root, path, self.found.names_below, spelling)

    def values(self, values: Mapping[str, Any], path: Path = ()) -> None:
        """Take nested mappings of Python values, for programs that need no file."""
        for name, value in values.items():
            below = (*path, name)
            if isinstance(value, Mapping):
                self.found.sections[below] = Origin('file', 'values')
                self.values(value, below)
                continue
            origin = Origin('file', 'values')
            try:
                exact, option = self._find(below, _FLAGS)
            except UnknownName as error:
                self._problem(origin, place(path, name), 'unknown option' + _flag_hint(error))
            else:
                self._assign(exact, option, value, origin, literal=True)

    def _assign(
        self, path: Path, node: Node, value: Any, origin: Origin, *, literal: bool = False
    ) -> None:
        shown = _shown(path[-1], node, value)
        problems: list[str] = []
        if not literal:
            value, problems = expand(value, self._environ)
        self.found.values[path] = Assignment(value, shown, origin, node, tuple(problems))

    def _problem(self, origin: Origin, where: str, text: str) -> None:
        self.found.problems.append(Problem(origin, where, text))


def _keys(field: Any) -> Iterable[str]:
    schema = getattr(field, 'schema', None)
    return schema.fields if isinstance(schema, Schema) else ()


def _shown(key: str, node: Node, value: Any) -> str:
    """Return a value for a message: as it is written, not as it reads after expansion."""
    text = value if isinstance(value, str) else repr(value)
    if isinstance(node, Option):
        return quote(node.mask(text))
    if isinstance(node, FreeMapping):
        return quote(node.mask(key, text))
    return quote(MASK if is_secret_name(key) else mask_text(text))


def _unknown_section(error: UnknownName) -> str:
    if error.text:
        return error.text
    better = error.suggestion()
    hint = f', did you mean [{".".join(better)}]?' if better else ';'
    parent = '.'.join(error.path[: error.depth])
    text = f'unknown section{hint} known{f" in [{parent}]" if parent else ""}: '
    text += listed(error.known)
    if error.path[0] == 'sinks' and error.depth == 1:
        text += ' (`drakkar plugins` lists what is installed)'
    return text


def _variable_hint(error: UnknownName) -> str:
    better = error.suggestion()
    return _hint(error, _variable(better) if better else '')


def _variable(path: Path) -> str:
    return PREFIX + SEPARATOR.join(path).upper().replace('-', '_')


def _flag_hint(error: UnknownName) -> str:
    return _hint(error, '.'.join(error.suggestion()))


def _hint(error: UnknownName, better: str) -> str:
    if error.text:
        return f': {error.path[error.depth]!r} {error.text}'
    parent = place(error.path[: error.depth]) if error.depth else 'sections'
    start = f', did you mean {better}?' if better else ';'
    return f'{start} known in {parent.lower()}: {listed(error.known)}'
