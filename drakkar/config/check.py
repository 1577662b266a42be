"""Turns what a schema found wrong into problems that name the place of each."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from marshmallow import Schema

from drakkar.config.assign import Assignment, Assignments
from drakkar.config.base import Option
from drakkar.config.nested import NamedSections
from drakkar.config.problems import Origin, Problem, place
from drakkar.config.tree import Node, Path, step
from drakkar.errors import ConfigError
from drakkar.redact import MASK

# The key that marshmallow puts errors of a whole schema under.
_WHOLE = '_schema'


def value_problems(found: Assignments) -> Iterator[Problem]:
    """Yield a problem for each value whose text could not be made out."""
    for path, assignment in found.values.items():
        where = f'{place(path[:-1], path[-1])} = {assignment.shown}'
        for text in dict.fromkeys(assignment.problems):
            yield Problem(assignment.origin, where, text)


def schema_problems(
    root: Schema, messages: dict[str, Any], found: Assignments, file: str
) -> Iterator[Problem]:
    """Yield a problem for each message of a ValidationError that loading `root` raised."""
    for path, text in _flatten(messages):
        if path[-1] == _WHOLE:
            yield from _whole_section(path[:-1], text, found, file)
            continue
        assignment = found.values.get(path)
        if assignment is None:
            yield _unset(root, path, text, found, file)
        elif not assignment.problems:
            where = f'{place(path[:-1], path[-1])} = {assignment.shown}'
            text = _masked(text, [assignment]) + _comment_hint(assignment)
            yield Problem(assignment.origin, where, text)


def sink_problems(config: Any) -> Iterator[Problem]:
    """Yield a problem for each sink instance that other sections can not complete."""
    for ref, instance in config.sink_instances.items():
        if instance.spec.complete is None:
            continue
        try:
            # A copy: `on_startup` may still change what is filled in.
            instance.spec.complete(copy.copy(instance.options), config)
        except ConfigError as error:
            path = ('sinks', *ref)
            yield Problem(_section_origin(path, config.found, config.path), place(path), str(error))


def _comment_hint(assignment: Assignment) -> str:
    written = re.search(r'\s[#;]', assignment.shown) and assignment.origin.kind == 'file'
    return ' (a comment needs a line of its own)' if written else ''


def _flatten(messages: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    if isinstance(messages, dict):
        for name, below in messages.items():
            yield from _flatten(below, (*path, str(name)))
    elif isinstance(messages, list):
        for message in messages:
            yield path, str(message)
    else:
        yield path, str(messages)


def _unset(root: Schema, path: Path, text: str, found: Assignments, file: str) -> Problem:
    """An option that nobody set: it is required, or a rule of its section wants it."""
    option = _node(root, path)
    if isinstance(option, Option) and text == option.error_messages['required']:
        text = f'missing, it is required; expected {option.allowed()}'
        text += f' ({option.description})' if option.description else ''
    return Problem(_section_origin(path[:-1], found, file), place(path[:-1], path[-1]), text)


def _node(root: Schema, path: Path) -> Node | None:
    node: Node | None = root
    for name in path:
        if node is None:
            return None
        # Instance names have been checked already, or come from a plugin's rule.
        node = node.schema if isinstance(node, NamedSections) else step(node, name)
    return node


def _section_origin(section: Path, found: Assignments, file: str) -> Origin:
    return found.sections.get(section, Origin('default', file))


def _whole_section(section: Path, text: str, found: Assignments, file: str) -> Iterator[Problem]:
    """A rule across options: it is told where those were set that its text names."""
    assigned = [
        assignment
        for path, assignment in found.values.items()
        if path[:-1] == section and re.search(rf'\b{re.escape(path[-1])}\b', text)
    ]
    origins = sorted((assignment.origin for assignment in assigned), key=Origin.rank)
    first = origins[0] if origins else _section_origin(section, found, file)
    others = ', '.join(str(origin) for origin in origins[1:])
    text = _masked(text, assigned) + (f' (see {others} too)' if others else '')
    yield Problem(first, place(section), text)


def _masked(text: str, assigned: list[Assignment]) -> str:
    """Take secret values out of a message, in case a plugin's rule quotes them."""
    for assignment in assigned:
        node, value = assignment.node, assignment.value
        if isinstance(node, Option) and isinstance(value, str) and value:
            text = text.replace(value, MASK if node.secret else node.mask(value))
    return text
