"""Makes the configuration: defaults, then the file, then the environment, then `--set`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError

from drakkar.config import ini
from drakkar.config.assign import Assignments, Collector
from drakkar.config.check import schema_problems, sink_problems, value_problems
from drakkar.config.config import Config
from drakkar.config.nested import Mapping as FreeMapping
from drakkar.config.nested import OptionSchema, Section, SubSection
from drakkar.config.problems import Problem, listed, nearest, place
from drakkar.config.sections.drakkar import DrakkarOptions
from drakkar.config.tree import build_root
from drakkar.contracts.sink import SinkSpec
from drakkar.contracts.source import SourceSpec
from drakkar.errors import ConfigError, DrakkarError

# Returns the schema of `[handler]` for the value of `[drakkar] handler`, None where it takes no
# options. Raises DrakkarError where there is no such handler.
HandlerOptions = Callable[[str], type[Schema] | None]

NO_FILE = 'no configuration file: give -c FILE, or set DK_CONFIG'


class NoOptions(OptionSchema):
    """A handler without options."""


def load(
    path: str | os.PathLike[str] | None,
    *,
    sinks: Mapping[str, SinkSpec],
    sources: Mapping[str, SourceSpec],
    handler_options: HandlerOptions,
    environ: Mapping[str, str],
    overrides: Iterable[str] = (),
    values: Mapping[str, Any] | None = None,
) -> Config:
    """Return the configuration in `path`, changed by the environment and `section.key=value` texts.

    `path` None means no file; `values` (nested mappings of Python values) then
    stand for one. Raises ConfigError with a line for every mistake.
    """
    return _Loader(path, sinks, sources, handler_options, environ, overrides, values).load()


def read(path: str | os.PathLike[str]) -> ini.Document:
    """Read an INI file. Raises ConfigError where there is none that can be read."""
    try:
        return ini.parse(Path(path).read_text(encoding='utf-8-sig'))
    except UnicodeDecodeError as error:
        raise ConfigError(f'{path}: not a text in UTF-8 ({error})') from error
    except (OSError, ValueError) as error:
        cause = getattr(error, 'strerror', None) or str(error)
        raise ConfigError(f'{path}: the configuration can not be read: {cause}') from error


class _Loader:
    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        sinks: Mapping[str, SinkSpec],
        sources: Mapping[str, SourceSpec],
        handler_options: HandlerOptions,
        environ: Mapping[str, str],
        overrides: Iterable[str],
        values: Mapping[str, Any] | None,
    ) -> None:
        self._file = '' if path is None else os.fspath(path)
        self._document = ini.Document() if path is None else read(path)
        self._sinks = sinks
        self._sources = sources
        self._handler_options = handler_options
        self._environ = environ
        self._overrides = list(overrides)
        self._values = values or {}
        self._problems: list[Problem] = []

    def load(self) -> Config:
        # What [handler] may hold depends on [drakkar], so that is looked at first, with all
        # else taken as it comes.
        draft = self._collect(self._root(FreeMapping(), ''))
        source = draft.text('drakkar', 'source') or DrakkarOptions().fields['source'].load_default
        self._check_source(draft, source)
        root = self._root(self._handler_section(draft), source)
        found = self._collect(root)
        if not self._file and not found.values and not found.problems:
            raise ConfigError(NO_FILE)
        self._problems += [*found.problems, *value_problems(found)]
        try:
            sections = root.load(found.nested())
        except ValidationError as error:
            messages = error.normalized_messages()
            self._problems += schema_problems(root, messages, found, self._file)
        self._raise_problems()
        config = Config.make(root, sections, found, self._sinks, self._environ, self._file)
        self._problems += sink_problems(config)
        self._raise_problems()
        return config

    def _raise_problems(self) -> None:
        if self._problems:
            ordered = sorted(self._problems, key=lambda problem: problem.origin.rank())
            raise ConfigError([str(problem) for problem in ordered])

    def _root(self, handler: Section, source: str) -> Schema:
        return build_root(self._sinks, self._sources, source, handler)

    def _collect(self, root: Schema) -> Assignments:
        collector = Collector(root, self._environ)
        collector.values(self._values)
        collector.file(self._file, self._document)
        collector.environment()
        collector.flags(self._overrides)
        return collector.found

    def _check_source(self, draft: Assignments, source: str) -> None:
        if source in self._sources:
            return
        near = nearest(source, self._sources)
        hint = f", did you mean '{near}'?" if near else ';'
        self._problems.append(
            Problem(
                draft.origin(('drakkar', 'source')),
                f'{place(["drakkar"], "source")} = {source}',
                f'no plugin registers a source of this name{hint} known: {listed(self._sources)}',
            )
        )

    def _handler_section(self, draft: Assignments) -> Section:
        """Return what `[handler]` may hold; anything, where the handler is not known."""
        name = draft.text('drakkar', 'handler')
        if not name:
            return FreeMapping()
        try:
            return SubSection(self._handler_options(name) or NoOptions)
        except DrakkarError as error:
            where = f'{place(["drakkar"], "handler")} = {name}'
            text = ' '.join(str(error).removeprefix(f'{where}: ').split())
            self._problems.append(Problem(draft.origin(('drakkar', 'handler')), where, text))
            return FreeMapping()
