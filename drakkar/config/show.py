"""The configuration in effect, with the origin of each value and without secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drakkar.config.base import Option
from drakkar.config.config import Config
from drakkar.config.expand import escape
from drakkar.config.ini import assignment
from drakkar.config.masking import mask_text
from drakkar.config.nested import Mapping as FreeMapping
from drakkar.config.nested import NamedSections, Section, SubSection
from drakkar.config.tree import Path
from drakkar.config.values import Options
from drakkar.redact import MASK, is_secret_name

_HEADER = """\
# The configuration in effect. Comments say where the value below them comes from.
# Secrets are masked.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One option: its value as it may be shown, also as INI text, and where it comes from."""

    section: Path
    key: str
    value: Any
    text: str
    origin: str


def rows(config: Config) -> Iterator[Row]:
    """Yield every option of the sections in use."""
    for name, field in config.root.fields.items():
        # A source that is not the chosen one matters only where something is said about it.
        in_use = not isinstance(field, SubSection) or field.complete
        if in_use or config.found.names_below((name,)):
            yield from _section(config, (name,), field, getattr(config, name))


def _section(config: Config, path: Path, field: Any, values: Any) -> Iterator[Row]:
    if isinstance(field, FreeMapping):
        for key, text in values.items():
            shown = field.mask(key, text)
            yield Row(path, key, shown, shown, str(config.found.origin((*path, key))))
    elif isinstance(field, NamedSections):
        for name, options in values.items():
            yield from _options(config, (*path, name), field.schema.fields, options)
    elif isinstance(field, SubSection):
        yield from _options(config, path, field.schema.fields, values)


def _options(
    config: Config, path: Path, fields: Mapping[str, Any], options: Options
) -> Iterator[Row]:
    below = []
    for key, field in fields.items():
        value = getattr(options, key)
        if isinstance(field, Section):
            below.append((key, field, value))
            continue
        origin = str(config.found.origin((*path, key)))
        yield Row(path, key, *_shown(key, field, value), origin)
    for key, field, value in below:
        yield from _section(config, (*path, key), field, value)


def _shown(key: str, field: Any, value: Any) -> tuple[Any, str]:
    if isinstance(field, Option):
        return field.masked(value), field.mask(field.render(value))
    text = MASK if is_secret_name(key) else mask_text('' if value is None else str(value))
    return text, text


def as_ini(config: Config) -> str:
    """Return the configuration as an INI file that, but for secrets, loads to the same values."""
    lines = [_HEADER]
    section: Path = ()
    for row in rows(config):
        if row.section != section:
            section = row.section
            lines.append(f'\n[{".".join(section)}]\n')
        lines.append(f'# {row.origin}\n{assignment(row.key, escape(row.text))}')
    return ''.join(lines)


def as_mapping(config: Config) -> dict[str, Any]:
    """Return the configuration as `{section: {key: {value, origin}}}`."""
    sections: dict[str, Any] = {}
    for row in rows(config):
        section = sections.setdefault('.'.join(row.section), {})
        section[row.key] = {'value': row.value, 'origin': row.origin}
    return sections
