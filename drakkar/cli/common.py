"""What commands share: the options that name a configuration, and loading it."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click
from marshmallow import Schema

from drakkar import log
from drakkar.config.config import Config
from drakkar.config.loader import load
from drakkar.errors import ConfigError
from drakkar.handler import Handler
from drakkar.plugins import PluginManager

Command = TypeVar('Command', bound=Callable[..., Any])

_CONFIG = click.option(
    '-c',
    '--config',
    'config_path',
    metavar='FILE',
    envvar='DK_CONFIG',
    show_envvar=True,
    help='Configuration file.',
)
_SET = click.option(
    '--set',
    'overrides',
    metavar='SECTION.KEY=VALUE',
    multiple=True,
    help='Set an option, over file and environment. May be given several times.',
)


def config_options(command: Command) -> Command:
    """Give a command `-c FILE` and `--set`, as parameters `config_path` and `overrides`."""
    return _CONFIG(_SET(command))


class Loaded(NamedTuple):
    """A configuration with the plugins it was checked against and the handler it names."""

    config: Config
    handler: type[Handler]
    plugins: PluginManager


def load_config(
    config_path: str | os.PathLike[str] | None,
    overrides: Sequence[str] = (),
    *,
    plugins: PluginManager | None = None,
    environ: Mapping[str, str] | None = None,
) -> Loaded:
    """Load the plugins (unless given), the configuration and the handler's class.

    Raises PluginError for a broken plugin, ConfigError with a line for every
    mistake in the configuration.
    """
    environ = os.environ if environ is None else environ
    plugins = plugins or PluginManager.load(environ)
    folder = Path(config_path).parent if config_path else None

    unresolved: list[ConfigError] = []

    def handler_options(name: str) -> type[Schema] | None:
        try:
            return plugins.resolve_handler(name, folder).options_schema
        except ConfigError as error:
            unresolved.append(error)
            raise

    try:
        config = load(
            config_path or None,
            sinks=plugins.sinks,
            sources=plugins.sources,
            handler_options=handler_options,
            environ=environ,
            overrides=overrides,
        )
    except ConfigError as error:
        # `--debug` shows where the handler's own module failed.
        raise error from (unresolved[0] if unresolved else error.__cause__)
    plugins.require_sinks(dict.fromkeys(ref.type for ref in config.sink_instances))
    handler = plugins.resolve_handler(config.drakkar.handler, folder)
    return Loaded(config, handler, plugins)


def configure_logging(loaded: Loaded) -> None:
    """Log as `[logging]` says, with the worker's identity on each line. Raises ConfigError."""
    config = loaded.config
    group = loaded.plugins.sources[config.drakkar.source].group(config)
    log.configure(config.logging, config.worker_id, config.cluster, group)


def freeze_startup() -> None:
    """Take what is loaded by now out of the garbage collector's sight: it stays until the end.

    A full collection then looks at the work in flight alone. Called once, by a
    command that is about to run a worker.
    """
    gc.collect()
    gc.freeze()
