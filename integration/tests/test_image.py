"""The image of Dockerfile has what docker-compose.yml starts; it takes no Docker to see that."""

from __future__ import annotations

import ast
import configparser
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path, PurePosixPath

import pytest
import yaml

from integration.stack.plan import WORKERS
from integration.stack.program import ROOT

EXTRAS = ['speed', 'codecs']
NOT_COPIED = [
    '.git/config',
    '.venv/bin/python',
    'docs/integration.md',
    'drakkar.egg-info/PKG-INFO',
    'drakkar/worker/__pycache__/worker.cpython-312.pyc',
    'plugins/sinks/redis/build/lib/drakkar_sink_redis/sink.py',
    'plugins/sinks/redis/drakkar_sink_redis.egg-info/PKG-INFO',
    'integration/__pycache__/__init__.cpython-312.pyc',
]


def instructions(name: str) -> list[list[str]]:
    """Return the words of every instruction of this name, in order."""
    text = (ROOT / 'integration' / 'Dockerfile').read_text(encoding='utf-8')
    lines = [line for line in text.splitlines() if not line.startswith('#')]
    whole = '\n'.join(lines).replace('\\\n', ' ').splitlines()
    return [shlex.split(line)[1:] for line in whole if line.startswith(f'{name} ')]


def copied() -> list[str]:
    """Return the paths that COPY takes from the repository."""
    return [source for *sources, _ in instructions('COPY') for source in sources]


def installed() -> list[str]:
    """Return what pip installs: the core with its extras, and the folders of plugins."""
    (words,) = [words for words in instructions('RUN') if words[:2] == ['pip', 'install']]
    return [word for word in words[2:] if not word.startswith('--')]


def is_ignored(path: str) -> bool:
    """Return what .dockerignore says of a path: the last line that fits it or a parent counts."""
    candidates = [path, *map(str, PurePosixPath(path).parents)][:-1]
    ignored = False
    for line in (ROOT / '.dockerignore').read_text(encoding='utf-8').split():
        glob = re.escape(line.removeprefix('!'))
        pattern = glob.replace(r'\*\*/', '(.*/)?').replace(r'\*', '[^/]*')
        if any(re.fullmatch(pattern, candidate) for candidate in candidates):
            ignored = not line.startswith('!')
    return ignored


def tracked(path: str) -> list[str]:
    command = ['git', 'ls-files', '--', path]
    return subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()


@pytest.mark.parametrize('source', copied())
def test_what_is_copied_is_there_and_not_ignored(source: str) -> None:
    files = tracked(source)
    assert files
    assert [name for name in files if is_ignored(name)] == []


@pytest.mark.parametrize('path', NOT_COPIED)
def test_what_tools_leave_behind_is_not_sent_to_the_builder(path: str) -> None:
    assert is_ignored(path)


def test_what_pip_installs_was_copied_before() -> None:
    core, *plugins = installed()
    sources = copied()
    assert {'setup.py', 'pyproject.toml', 'README.md', 'drakkar'} <= set(sources)
    assert all(PurePosixPath(plugin).parts[0] in sources for plugin in plugins)
    assert all((ROOT / plugin / 'setup.py').is_file() for plugin in plugins)
    assert core == f'.[{",".join(EXTRAS)}]'
    keyword = re.search(r'extras_require=\{(.*?)\}', (ROOT / 'setup.py').read_text(), re.DOTALL)
    assert keyword is not None
    assert all(f"'{extra}': " in keyword[1] for extra in EXTRAS)


def test_the_plugins_are_those_that_the_workers_use() -> None:
    used = set()
    for folder in {worker.folder for worker in WORKERS}:
        ini = configparser.ConfigParser(interpolation=None)
        ini.read(ROOT / 'integration' / folder / 'drakkar.ini')
        used.add(f'plugins/handlers/{ini["drakkar"]["handler"].replace("-", "_")}')
        sinks = [name.split('.') for name in ini.sections() if name.startswith('sinks.')]
        used.update(f'plugins/sinks/{kind}' for _, kind, _ in sinks)
    assert set(installed()[1:]) == used


def test_programs_of_plugins_may_be_executed() -> None:
    scripts = [
        name
        for plugin in installed()[1:]
        for name in tracked(plugin)
        if (ROOT / name).read_bytes().startswith(b'#!')
    ]
    assert len(scripts) == 2
    assert all(os.access(ROOT / name, os.X_OK) for name in scripts)


def modules_of_the_commands() -> set[str]:
    """Return the modules that the services' commands name."""
    text = (ROOT / 'integration' / 'docker-compose.yml').read_text(encoding='utf-8')
    commands = [s['command'] for s in yaml.safe_load(text)['services'].values() if 'command' in s]
    return {match for line in commands for match in re.findall(r'^python -m (\S+)', line)}


def imports(module: str) -> set[str]:
    """Return the names of the modules that a module imports anywhere."""
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding='utf-8'))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f'{node.module}.{alias.name}' for alias in node.names)
    return {name for name in found if not name.startswith('integration') or is_module(name)}


def is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def test_the_commands_import_only_what_is_installed() -> None:
    waiting, seen, outside = modules_of_the_commands(), set[str](), set[str]()
    assert len(waiting) == 2
    while waiting:
        module = waiting.pop()
        seen.add(module)
        for name in imports(module) - seen:
            top = name.partition('.')[0]
            if top == 'integration':
                waiting.add(name)
            elif top not in sys.stdlib_module_names:
                outside.add(top)
    assert outside >= {'kafka', 'rich'}
    owners = packages_distributions()
    core = {line.split(';')[0] for line in requires('drakkar') or () if 'extra ==' not in line}
    names = {re.split(r'[<>=!~ ]', line)[0] for line in core} | {'drakkar'}
    assert {top for top in outside if not names & set(owners.get(top, ()))} == set()
