"""Rules of the layout that import-linter's contracts (.importlinter) cannot say."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORE = sorted((ROOT / 'drakkar').rglob('*.py'))
TESTING = ROOT / 'drakkar' / 'testing'
PUBLIC = {'drakkar', 'drakkar.api'}

SINKS = 'kafka|postgres|postgresql|mongo|redis|http|filesystem'
SINK_NAME = re.compile(
    rf"""
    drakkar[_-](sink|handler)[_-]\w+            # a plugin's package or distribution
    | \b(Kafka|Postgres|Mongo|Redis|Http|File|Filesystem)(Sink|Payload)(Options)?\b
    | \bsinks?[.:]({SINKS})\b                   # a section of the configuration
    | ^(postgres|postgresql|mongo|redis|filesystem)$
    """,
    re.VERBOSE,
)

IMPORT_ALL = """
import pkgutil, sys
import drakkar
for module in pkgutil.walk_packages(drakkar.__path__, 'drakkar.'):
    if module.name != 'drakkar.__main__':
        __import__(module.name)
from gevent import monkey
patched = [name for name in ('socket', 'threading', 'time', 'select') if
           monkey.is_module_patched(name)]
sys.exit(f'patched by an import: {patched}' if patched else 0)
"""


def test_importing_drakkar_patches_nothing():
    done = subprocess.run(
        [sys.executable, '-c', IMPORT_ALL], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_core_names_no_sink_type():
    found = {
        str(path.relative_to(ROOT)): names
        for path in CORE
        if not path.is_relative_to(TESTING)  # names what it tests
        and (names := {n for n in names_and_strings(path.read_text()) if SINK_NAME.search(n)})
    }
    assert found == {}


def test_nothing_in_the_core_imports_the_public_names():
    # drakkar.testing is written as a plugin is; the package may re-export the names.
    allowed = {ROOT / 'drakkar' / '__init__.py', *TESTING.rglob('*.py')}
    wrong = [
        str(path.relative_to(ROOT))
        for path in CORE
        if path not in allowed and set(imports(path.read_text())) & PUBLIC
    ]
    assert wrong == []


def test_a_plugin_imports_only_the_public_names():
    wrong = [
        f'{path.relative_to(ROOT)}: {name}'
        for path in sorted(ROOT.glob('plugins/*/*/drakkar_*/**/*.py'))
        for name in imports(path.read_text())
        if name.startswith('drakkar.') and name not in PUBLIC
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ('source', 'found'),
    [
        ('from drakkar_sink_redis import RedisSink', True),
        ('RedisPayload(data=1)', True),
        ("kind = 'postgres'", True),
        ("section = '[sinks.filesystem.results]'", True),
        ('"""A sink such as redis."""', False),
        ("origin = 'kafka'", False),
        ('import kafka', False),
    ],
)
def test_a_sink_name_is_recognised(source, found):
    assert any(SINK_NAME.search(name) for name in names_and_strings(source)) is found


@pytest.mark.parametrize(
    ('source', 'names'),
    [
        ('import drakkar.api as dk', ['drakkar.api']),
        ('from drakkar import api', ['drakkar.api']),
        ('from drakkar import errors', ['drakkar.errors']),
        ('from drakkar.errors import SinkError', ['drakkar.errors']),
        ('from drakkar import Handler', ['drakkar']),
    ],
)
def test_imports_are_recognised(source, names):
    assert list(imports(source)) == names


def names_and_strings(source: str) -> Iterator[str]:
    """Yield the identifiers and the strings of a module, but not its docstrings."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docstrings:
                yield node.value
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def imports(source: str) -> Iterator[str]:
    """Yield the absolute names of the modules that a module imports, at any depth of its code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == 'drakkar':
            for alias in node.names:
                yield f'drakkar.{alias.name}' if is_module(alias.name) else 'drakkar'
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def is_module(name: str) -> bool:
    """Return whether `drakkar` has a module or package of that name."""
    base = ROOT / 'drakkar' / name
    return base.is_dir() or base.with_suffix('.py').exists()
