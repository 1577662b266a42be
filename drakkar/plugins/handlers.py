"""Turns the value of `[drakkar] handler` into a handler class."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from drakkar.config.problems import listed, nearest
from drakkar.errors import ConfigError
from drakkar.handler import Handler, HandlerSpec


def resolve_handler(
    name: str, known: Mapping[str, HandlerSpec], folder: str | os.PathLike[str] | None = None
) -> type[Handler]:
    """Return the handler class that `name` means.

    `name` is one of `known`, or an import path `package.module:Class`. For an
    import path, `folder` (that of the configuration file) and the current
    directory come first in `sys.path`, as with `python -m`, so that a module
    beside the configuration is found. Raises ConfigError with one line that
    says what is wrong.
    """
    if ':' not in name:
        return _registered(name, known)
    module_name, _, attribute = name.partition(':')
    if not module_name or not attribute:
        raise _wrong(name, 'an import path reads package.module:Class')
    _make_importable([folder or '', ''])
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a script that ends itself when it is imported
        cause = f'module {module_name!r} can not be imported: {type(error).__name__}: {error}'
        raise _wrong(name, cause) from error
    return _checked(name, module, attribute)


def _registered(name: str, known: Mapping[str, HandlerSpec]) -> type[Handler]:
    spec = known.get(name)
    if spec is not None:
        return spec.handler_class
    raise _wrong(
        name,
        f'no plugin registers a handler of this name{_meant(name, known)} '
        f'known: {listed(sorted(known))}; or give an import path package.module:Class',
    )


def _make_importable(folders: Iterable[str | os.PathLike[str]]) -> None:
    """Put folders at the front of `sys.path`, the first one foremost."""
    wanted = list(dict.fromkeys(str(Path(folder).resolve()) for folder in folders))
    sys.path[:0] = [folder for folder in wanted if folder not in sys.path]


def _checked(name: str, module: Any, attribute: str) -> type[Handler]:
    found = getattr(module, attribute, None)
    if found is None:
        there = [
            key
            for key, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, Handler) and value is not Handler
        ]
        place = getattr(module, '__file__', None) or 'no file'
        raise _wrong(
            name,
            f'module {module.__name__!r} ({place}) has no {attribute!r}'
            f'{_meant(attribute, there)} its handlers: {listed(there)}',
        )
    problem = handler_problem(found)
    if problem:
        raise _wrong(name, problem)
    return found


def handler_problem(found: Any) -> str:
    """Return why `found` can not serve as a handler class, or nothing where it can."""
    if not isinstance(found, type):
        return f'{found!r} is not a class'
    if not issubclass(found, Handler):
        return f'{found.__name__} is not a subclass of drakkar.api.Handler'
    if found.arrange is Handler.arrange:
        return f'{found.__name__} does not define arrange(self, messages, pending)'
    return ''


def _wrong(name: str, problem: str) -> ConfigError:
    return ConfigError(f'[drakkar] handler = {name}: {problem}')


def _meant(name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    return f', did you mean {near!r}?' if near else ';'
