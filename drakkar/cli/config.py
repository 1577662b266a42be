"""`drakkar config`: check, show, and explain the configuration."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click
from marshmallow import Schema

from drakkar.cli.common import config_options, load_config
from drakkar.config.config import Config
from drakkar.config.docs import reference_page
from drakkar.config.jsonschema import json_schema
from drakkar.config.show import as_ini, as_mapping
from drakkar.errors import ConfigError
from drakkar.plugins import PluginManager

_JSON = click.option('--json', 'as_json', is_flag=True, help='Print one JSON object.')


@click.group('config')
def config_group() -> None:
    """Check, show and explain the configuration."""


@config_group.command('check', short_help='Say whether it is valid, or all that is wrong with it.')
@config_options
@_JSON
def check_command(config_path: str | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Say whether the configuration is valid, or list all that is wrong with it.

    Reads file, environment (DK_SECTION__KEY) and --set as `drakkar serve` does, and
    imports the handler. Connects to nothing and makes nothing. Exit codes: 0 valid,
    2 not.
    """
    try:
        config = load_config(config_path, overrides).config
    except ConfigError as error:
        if not as_json:
            raise
        _print_json({'valid': False, 'file': config_path or '', 'problems': error.problems})
        sys.exit(error.exit_code)
    if as_json:
        _print_json({'valid': True, 'file': config.path, 'problems': []})
    else:
        click.echo(_summary(config))


def _summary(config: Config) -> str:
    sinks = ', '.join(str(ref) for ref in config.sink_instances) or 'none'
    return (
        f'{config.path or "the configuration"} is valid: handler {config.drakkar.handler}, '
        f'source {config.drakkar.source}, sinks {sinks}'
    )


@config_group.command('show', short_help='Print the values in effect and where each comes from.')
@config_options
@_JSON
def show_command(config_path: str | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Print the values in effect and where each comes from. Secrets are masked.

    Later wins: default, file, environment (DK_SECTION__KEY), --set. The output is
    an INI file itself.
    """
    config = load_config(config_path, overrides).config
    if as_json:
        _print_json(
            {
                'file': config.path,
                'worker': config.worker_id,
                'cluster': config.cluster,
                'sections': as_mapping(config),
            }
        )
    else:
        click.echo(as_ini(config), nl=False)


@config_group.command('docs', short_help='Print the reference page of all options.')
def docs_command() -> None:
    """Print the reference page of all options in Markdown, installed plugins' too."""
    plugins = PluginManager.load(os.environ)
    click.echo(reference_page(plugins.sinks, plugins.sources, _handlers(plugins)), nl=False)


@config_group.command('schema', short_help='Print a JSON Schema of the configuration.')
def schema_command() -> None:
    """Print a JSON Schema of the configuration, installed plugins' options too."""
    plugins = PluginManager.load(os.environ)
    _print_json(json_schema(plugins.sinks, plugins.sources, _handlers(plugins)))


def _handlers(plugins: PluginManager) -> dict[str, type[Schema] | None]:
    return {name: spec.handler_class.options_schema for name, spec in plugins.handlers.items()}


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
