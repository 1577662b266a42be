"""Loads every plugin, or says in one line which one is broken and why."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import click
import pluggy

from drakkar import hookspecs
from drakkar.config.problems import listed, nearest
from drakkar.contracts.sink import SinkSpec
from drakkar.contracts.source import SourceSpec
from drakkar.errors import PluginError
from drakkar.handler import Handler, HandlerSpec
from drakkar.plugins.candidates import BLOCK_VARIABLE, Candidate, blocked_names, find_candidates
from drakkar.plugins.contributions import (
    KINDS,
    Kind,
    check_answers,
    error_line,
    import_sink_class,
)
from drakkar.plugins.handlers import resolve_handler
from drakkar.plugins.info import PluginInfo, Status


class PluginManager:
    """What the plugins of this environment bring, by kind and name.

    Make it with `load` or `scan`. A plugin counts whole or not at all: one that is
    broken in any part registers nothing. `infos` lists all, loaded or not; `hook`
    calls the hooks of the loaded ones.
    """

    def __init__(self) -> None:
        self.sinks: dict[str, SinkSpec] = {}
        self.sources: dict[str, SourceSpec] = {}
        self.handlers: dict[str, HandlerSpec] = {}
        self.commands: dict[str, click.Command] = {}
        self.infos: list[PluginInfo] = []
        self._owners: dict[tuple[str, str], PluginInfo] = {}
        self._pluggy = pluggy.PluginManager(hookspecs.PROJECT)
        self._pluggy.add_hookspecs(hookspecs)
        self.hook = self._pluggy.hook

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> PluginManager:
        """Load all plugins that `environ` (the process's by default) does not block.

        Raises PluginError with one line for each broken plugin.
        """
        manager = cls.scan(environ)
        manager._raise_broken()
        return manager

    @classmethod
    def scan(cls, environ: Mapping[str, str] | None = None) -> PluginManager:
        """Load what can be loaded, and note in `infos` why the rest can not be. Raises nothing."""
        manager = cls()
        blocked = blocked_names(os.environ if environ is None else environ)
        for candidate in find_candidates():
            manager._add(candidate, blocked)
        seen = {info.name for info in manager.infos}
        manager.infos += [
            PluginInfo(name, '', '', Status.BLOCKED, reason=f'in {BLOCK_VARIABLE}; not installed')
            for name in blocked
            if name not in seen
        ]
        return manager

    def require_sinks(self, names: Iterable[str]) -> None:
        """Import what these sink types need, which loading a plugin may put off.

        Raises PluginError like `load`, with a line for each plugin where that fails.
        """
        self.try_sinks(names)
        self._raise_broken()

    def try_sinks(self, names: Iterable[str]) -> None:
        """Import what these sink types need, and note in `infos` where it fails."""
        for name in names:
            try:
                import_sink_class(self.sinks[name])
            except PluginError as error:
                self._owners['sink', name].failed(error)

    def _raise_broken(self) -> None:
        broken = [info for info in self.infos if info.status is Status.BROKEN]
        if broken:
            lines = [f'{info.title} is broken: {info.reason}' for info in broken]
            names = ','.join(info.name for info in broken)
            lines.append(f'mend or uninstall what is broken, or block it: {BLOCK_VARIABLE}={names}')
            raise PluginError('\n'.join(lines)) from broken[0].error

    def resolve_handler(
        self, name: str, folder: str | os.PathLike[str] | None = None
    ) -> type[Handler]:
        """Return the class that `[drakkar] handler = name` means; see `plugins.handlers`."""
        return resolve_handler(name, self.handlers, folder)

    def _add(self, candidate: Candidate, blocked: list[str]) -> None:
        info = PluginInfo(candidate.name, candidate.distribution, candidate.version)
        if candidate.name in blocked:
            info.status, info.reason = Status.BLOCKED, f'in {BLOCK_VARIABLE}'
        else:
            try:
                self._register(_imported(candidate), info)
            except PluginError as error:
                info.failed(error)
        self.infos.append(info)

    def _register(self, plugin: Any, info: PluginInfo) -> None:
        """Take a plugin whole. Raises PluginError, and keeps nothing of it then."""
        self._check_unknown(plugin, info)
        try:
            self._pluggy.register(plugin, info.name)
        except pluggy.PluginValidationError as error:
            raise PluginError(error_line(error)) from error
        try:
            self._check_hooks(plugin)
            found = [(kind.title, item) for kind in KINDS for item in self._collect(kind, plugin)]
            self._check_duplicates(found)
        except PluginError:
            self._pluggy.unregister(plugin)
            raise
        for title, item in found:
            getattr(self, f'{title}s')[item.name] = item
            self._owners[title, item.name] = info
            info.registers.append(f'{title} {item.name}')

    def _check_unknown(self, plugin: Any, info: PluginInfo) -> None:
        namesake = next((other for other in self.infos if other.name == info.name), None)
        if namesake is not None:
            raise PluginError(f'{namesake.distribution} has a plugin of this name already')
        if self._pluggy.is_registered(plugin):
            raise PluginError(f'it is the same as plugin {self._pluggy.get_name(plugin)!r}')

    def _check_hooks(self, plugin: Any) -> None:
        callers = self._pluggy.get_hookcallers(plugin) or []
        if not callers:
            raise PluginError('it implements no hook; mark them with @drakkar.api.hookimpl')
        try:
            self._pluggy.check_pending()
        except pluggy.PluginValidationError as error:
            unknown = next(caller.name for caller in callers if not caller.has_spec())
            known = [name for name in vars(hookspecs) if name.startswith('drakkar_')]
            near = nearest(unknown, known)
            hint = f'did you mean {near}?' if near else f'known: {listed(known)}'
            raise PluginError(f'there is no hook {unknown}; {hint}') from error

    def _collect(self, kind: Kind, plugin: Any) -> list[Any]:
        """Return what this plugin alone answers to the hook of one kind."""
        others = [other for other in self._pluggy.get_plugins() if other is not plugin]
        try:
            answers = self._pluggy.subset_hook_caller(kind.hook, others)()
        except Exception as error:
            raise PluginError(f'{kind.hook} raised {error_line(error)}') from error
        return list(check_answers(kind, answers))

    def _check_duplicates(self, found: list[tuple[str, Any]]) -> None:
        seen: set[tuple[str, str]] = set()
        for title, item in found:
            key = (title, item.name)
            if key in self._owners:
                raise PluginError(
                    f'{title} {item.name!r} is registered by {self._owners[key].title} already'
                )
            if key in seen:
                raise PluginError(f'it registers {title} {item.name!r} twice')
            seen.add(key)


def _imported(candidate: Candidate) -> Any:
    try:
        return candidate.load()
    except (Exception, SystemExit) as error:
        raise PluginError(f'its import raised {error_line(error)}') from error
