"""Asks one plugin what it brings, and checks every part of the answer."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click
from marshmallow import Schema

from drakkar.contracts.sink import Sink, SinkSpec
from drakkar.contracts.source import SourceSpec
from drakkar.errors import PluginError
from drakkar.handler import HandlerSpec
from drakkar.models.payload import Payload
from drakkar.plugins.handlers import handler_problem

# Sinks and sources are sections and attributes (`[sinks.<name>.x]`, `config.sinks.<name>`) and
# parts of environment variables, where `__` separates the parts.
_SECTION = re.compile(r'[a-z][a-z0-9]*(_[a-z0-9]+)*'), "parts joined by '_'"
_WORD = re.compile(r'[a-z][a-z0-9]*([_-][a-z0-9]+)*'), "parts joined by '-' or '_'"

_IMPORT_PATH = re.compile(r'\w+(\.\w+)*:\w+(\.\w+)*')

# The command line finds its own commands without loading plugins, so a plugin can't replace them.
CORE_COMMANDS = frozenset(
    {'config', 'demo', 'dlq', 'merge', 'new', 'plugins', 'produce', 'serve', 'trace'}
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing that plugins bring: the hook that returns it, its type and its check.

    `name` is the rule for its name, for the program and in words; `problem(item)`
    returns what else is wrong with an item, or nothing.
    """

    title: str
    hook: str
    type: type[Any]
    name: tuple[re.Pattern[str], str]
    problem: Callable[[Any], str]


def _sink_problem(spec: SinkSpec) -> str:
    wrong = (
        _sink_class_problem(spec.sink_class)
        or _not_subclass('payload_class', spec.payload_class, Payload)
        or _not_subclass('options', spec.options, Schema)
    )
    if wrong:
        return wrong
    if spec.payload_class.sink_type != spec.name:
        return (
            f'{spec.payload_class.__name__}.sink_type is {spec.payload_class.sink_type!r}, '
            f'but the spec names {spec.name!r}'
        )
    return ''


def _sink_class_problem(value: Any) -> str:
    if isinstance(value, str):
        fits = _IMPORT_PATH.fullmatch(value)
        return '' if fits else f'sink_class {value!r} must be an import path package.module:Class'
    wrong = _not_subclass('sink_class', value, Sink)
    if not wrong and inspect.isabstract(value):
        missing = ', '.join(sorted(value.__abstractmethods__))
        return f'{value.__name__} does not define {missing}'
    return wrong


def import_sink_class(spec: SinkSpec) -> None:
    """Import the class that `spec` names and check it. Raises PluginError."""
    try:
        problem = _sink_class_problem(spec.load_class())
    except (Exception, SystemExit) as error:
        raise PluginError(
            f'sink {spec.name!r}: the import of {spec.sink_class} raised {error_line(error)}'
        ) from error
    if problem:
        raise PluginError(f'sink {spec.name!r}: {problem}')


def error_line(error: BaseException) -> str:
    """Return an error's type and text on one line."""
    return f'{type(error).__name__}: {" ".join(str(error).split())}'


def _source_problem(spec: SourceSpec) -> str:
    return _not_subclass('options', spec.options, Schema)


def _handler_problem(spec: HandlerSpec) -> str:
    return handler_problem(spec.handler_class)


def _command_problem(command: click.Command) -> str:
    return 'drakkar has a command of this name itself' if command.name in CORE_COMMANDS else ''


def _not_subclass(field: str, value: Any, base: type) -> str:
    if isinstance(value, type) and issubclass(value, base):
        return ''
    return f'{field} must be a subclass of {base.__name__}, not {value!r}'


KINDS = (
    Kind('sink', 'drakkar_register_sinks', SinkSpec, _SECTION, _sink_problem),
    Kind('source', 'drakkar_register_sources', SourceSpec, _SECTION, _source_problem),
    Kind('handler', 'drakkar_register_handlers', HandlerSpec, _WORD, _handler_problem),
    Kind('command', 'drakkar_register_commands', click.Command, _WORD, _command_problem),
)


def check_answers(kind: Kind, answers: Sequence[Any]) -> Iterator[Any]:
    """Yield each item that one plugin's `kind.hook` returned. Raises PluginError at a wrong one."""
    for answer in answers:
        if not isinstance(answer, (list, tuple)):
            raise PluginError(
                f'{kind.hook} must return a list of {kind.type.__name__}, '
                f'not {type(answer).__name__}'
            )
        for item in answer:
            _check_item(kind, item)
            yield item


def _check_item(kind: Kind, item: Any) -> None:
    if not isinstance(item, kind.type):
        raise PluginError(
            f'{kind.hook} must return a list of {kind.type.__name__}, '
            f'this one holds {item!r} of type {type(item).__name__}'
        )
    pattern, parts = kind.name
    if not isinstance(item.name, str) or not pattern.fullmatch(item.name):
        raise PluginError(
            f'{kind.title} name {item.name!r} must be lower case letters and digits, {parts}'
        )
    problem = kind.problem(item)
    if problem:
        raise PluginError(f'{kind.title} {item.name!r}: {problem}')
