"""The sections that are known, and finding one by its path.

All of the configuration is one schema whose fields are the sections. A path is
a tuple of names: `('executor', 'limits', 'nice')`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields

from drakkar.config.nested import Mapping as FreeMapping
from drakkar.config.nested import NamedSections, OptionSchema, Section, SubSection
from drakkar.config.problems import nearest, plain
from drakkar.config.sections import SECTIONS
from drakkar.config.sections.sinks import SinkInstanceOptions
from drakkar.contracts.sink import SinkSpec
from drakkar.contracts.source import SourceSpec
from drakkar.errors import PluginError

Path = tuple[str, ...]
# A place in the tree: a section, a group of named sections, free keys, or an option.
Node = Schema | fields.Field

INSTANCE_NAME = re.compile(r'[A-Za-z0-9_-]+')


class UnknownName(Exception):  # noqa: N818 - never leaves this package
    """Part number `depth` of a path is not known; `known` are the names that are."""

    def __init__(self, path: Path, depth: int, known: Iterable[str], text: str = '') -> None:
        super().__init__(path)
        self.path = path
        self.depth = depth
        self.known = list(known)
        self.text = text

    def suggestion(self) -> Path:
        """The path with its wrong part replaced by the nearest known name, or nothing."""
        near = nearest(self.path[self.depth], self.known)
        return (*self.path[: self.depth], near, *self.path[self.depth + 1 :]) if near else ()


def build_root(
    sinks: Mapping[str, SinkSpec],
    sources: Mapping[str, SourceSpec],
    selected_source: str,
    handler: Section,
) -> Schema:
    """Return the schema of the whole configuration.

    Only the selected source's section must be complete. Raises PluginError where
    a plugin's name is taken by the core.
    """
    _check_names('source', sources, {*SECTIONS, 'handler'})
    _check_names('sink', sinks, SECTIONS['sinks']().fields)
    core = {**SECTIONS, 'sinks': sinks_schema(sinks)}
    sections: dict[str, Section] = {name: SubSection(schema) for name, schema in core.items()}
    sections['handler'] = handler
    for name, source in sources.items():
        sections[name] = SubSection(source.options, complete=name == selected_source)
    return _make_schema('Configuration', (OptionSchema,), sections)()


def _check_names(kind: str, names: Iterable[str], taken: Iterable[str]) -> None:
    for name in set(names) & set(taken):
        raise PluginError(f'{kind} {name!r}: the core has a section or option of this name')


def sinks_schema(sinks: Mapping[str, SinkSpec]) -> type[Schema]:
    """Return the schema of `[sinks]` with a group of instances for each sink type."""
    groups = {name: NamedSections(instance_schema(spec)) for name, spec in sinks.items()}
    core = SECTIONS['sinks']
    return _make_schema(core.__name__, (core,), groups, core.__doc__)


def instance_schema(spec: SinkSpec) -> type[Schema]:
    """Return the schema of one sink instance: the type's options, then those of all sinks."""
    own = spec.options
    if issubclass(SinkInstanceOptions, own):  # the base of all schemas: no options of its own
        return _make_schema(own.__name__, (SinkInstanceOptions,), {})
    return _make_schema(own.__name__, (own, SinkInstanceOptions), {}, own.__doc__)


def _make_schema(
    name: str, bases: tuple[type, ...], members: Mapping[str, Any], doc: str | None = None
) -> type[Schema]:
    return type(name, bases, {**members, '__doc__': doc, '__module__': __name__})


def subsections_in(node: Node) -> list[str]:
    """Return the names of the sections below a section."""
    if not isinstance(node, Schema):
        return []
    return [name for name, field in node.fields.items() if isinstance(field, Section)]


def step(node: Node, name: str) -> Node | None:
    """Return what is below `node` under that name; None where there can be nothing."""
    if isinstance(node, Schema):
        field = node.fields.get(name)
        return field.schema if isinstance(field, SubSection) else field
    if isinstance(node, NamedSections):
        return node.schema if INSTANCE_NAME.fullmatch(name) else None
    return None


def find_section(root: Schema, path: Path) -> Schema | FreeMapping:
    """Return the section of that path. Raises UnknownName."""
    node: Node = root
    for depth, name in enumerate(path):
        below = step(node, name)
        if below is None or not isinstance(below, (Schema, Section)):
            raise UnknownName(path, depth, subsections_in(node), _why(node, name))
        node = below
    if isinstance(node, (Schema, FreeMapping)):
        return node
    raise UnknownName(path, len(path) - 1, (), f'needs a name: [{".".join(path)}.NAME]')


def _why(node: Node, name: str) -> str:
    if isinstance(node, NamedSections):
        return f'{name!r} is no name for a section: letters, digits, - and _ only'
    if isinstance(node, FreeMapping):
        return 'this section has no sub-sections'
    return ''


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a path is written: what separates its names, and whether they must match exactly.

    Where they need not, case does not count and `-` is the same as `_`.
    """

    separator: str
    exact: bool

    def same(self, one: str, other: str) -> bool:
        return one == other or (not self.exact and plain(one) == plain(other))

    def choose(self, name: str, known: Iterable[str]) -> str | None:
        """Return the known name that is meant."""
        names = list(known)
        return name if name in names else next((n for n in names if self.same(n, name)), None)


def find_option(
    root: Schema, path: Path, existing: Callable[[Path], Iterable[str]], spelling: Spelling
) -> tuple[Path, Node]:
    """Return the exact path of an option, and its declaration (or the free keys it is one of).

    `existing(path)` gives the names that a group or free keys have so far; a new
    one is made where none is meant. Raises UnknownName.
    """
    node: Node = root
    exact: Path = ()
    known: list[str] = []
    for depth, name in enumerate(path):
        if isinstance(node, FreeMapping):
            key = spelling.separator.join(path[depth:])
            return (*exact, spelling.choose(key, existing(exact)) or key), node
        if isinstance(node, NamedSections):
            new = name if spelling.exact else name.lower()
            chosen = spelling.choose(name, existing(exact)) or new
        else:
            known = list(node.fields) if isinstance(node, Schema) else []
            chosen = spelling.choose(name, known) or name
        below = step(node, chosen)
        if below is None:
            raise UnknownName(path, depth, known, _why(node, name))
        node, exact = below, (*exact, chosen)
    if isinstance(node, (Schema, Section)):
        raise UnknownName(path, len(path) - 1, (), 'is a section, not an option')
    return exact, node


def guess_option(node: Node, words: Sequence[str]) -> Path | None:
    """Return the path of an option whose names, joined by `_`, are `words`; None for none."""
    for end in range(1, len(words) + 1):
        name = '_'.join(words[:end])
        below = step(node, name)
        if below is None:
            continue
        if end == len(words):
            return None if isinstance(below, (Schema, Section)) else (name,)
        rest = guess_option(below, words[end:])
        if rest:
            return (name, *rest)
    return None
