"""`drakkar new`: writes a plugin package that installs, works and has a test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from string import Template

import click

from drakkar._version import __version__
from drakkar.errors import ConfigError
from drakkar.plugins import PluginManager

TEMPLATES = Path(__file__).with_name('templates')

# Templates end in `.txt` so that no tool takes them for code of this package.
_SUFFIX = '.txt'
_NAME = re.compile(r'[a-z][a-z0-9]*(-[a-z0-9]+)*')


@click.group('new')
def new_group() -> None:
    """Write a plugin package to start from, with a test."""


_INTO = click.option(
    '--into',
    type=click.Path(path_type=Path),
    default=Path(),
    help='Folder that gets the package; the current one by default.',
)


@new_group.command('handler')
@click.argument('name')
@_INTO
def handler_command(name: str, into: Path) -> None:
    """Write a handler package.

    NAME has lower case letters, digits and '-'.
    """
    _write_plugin('handler', name, into)


@new_group.command('sink')
@click.argument('name')
@_INTO
def sink_command(name: str, into: Path) -> None:
    """Write a sink package.

    NAME has lower case letters, digits and '-'.
    """
    _write_plugin('sink', name, into)


def _write_plugin(kind: str, name: str, into: Path) -> None:
    """Write the package and say what comes next. Raises ConfigError, then nothing was written."""
    _check_name(kind, name)
    folder = into / f'drakkar-{kind}-{name}'
    if folder.exists():
        raise ConfigError(f'{folder} exists already; nothing was written')
    files = dict(_rendered(kind, name))
    try:
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding='utf-8')
    except OSError as error:
        raise ConfigError(f'{folder} can not be written: {error.strerror}') from error
    click.echo(f'{folder}: {len(files)} files written. Next:')
    click.echo(f'  pip install -e {folder}')
    click.echo(f'  python -m gevent.monkey --module pytest {folder}')
    click.echo('  drakkar plugins')


def _check_name(kind: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f'{name!r} is no name for a {kind}: it must be lower case letters and digits, '
            "beginning with a letter, its parts joined by a single '-', such as line-count"
        )
    plugins = PluginManager.scan()
    taken = plugins.handlers if kind == 'handler' else plugins.sinks
    if _registered_name(kind, name) in taken:
        raise ConfigError(
            f'an installed plugin registers {kind} {name!r} already, see `drakkar plugins`'
        )


def _registered_name(kind: str, name: str) -> str:
    """Return the name in the configuration; that of a sink is an attribute in Python too."""
    return name.replace('-', '_') if kind == 'sink' else name


def _rendered(kind: str, name: str) -> Iterator[tuple[Path, str]]:
    """Yield each file's path inside the package and its text."""
    package = f'drakkar_{kind}_{name.replace("-", "_")}'
    words = {
        'name': _registered_name(kind, name),
        'package': package,
        'distribution': f'drakkar-{kind}-{name}',
        'prefix': ''.join(part.capitalize() for part in name.split('-')),
        'version': __version__,
    }
    root = TEMPLATES / kind
    for source in sorted(root.rglob(f'*{_SUFFIX}')):
        parts = [package if p == 'PACKAGE' else p for p in source.relative_to(root).parts]
        path = Path(*parts).with_suffix('')
        yield path, Template(source.read_text(encoding='utf-8')).substitute(words)
