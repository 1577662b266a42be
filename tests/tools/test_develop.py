"""An environment is installed again when what decides its content has changed, and only then."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools import develop


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    root = tmp_path / 'checkout'
    for name in ('drakkar/_version.py', 'setup.py', 'plugins/sinks/line/setup.py'):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    monkeypatch.setattr(develop, 'ROOT', root)
    return root


@pytest.fixture
def installed(monkeypatch):
    """The installations that were made, by their extras."""
    calls: list[str] = []
    monkeypatch.setattr(develop, 'install', lambda python, extras: calls.append(extras))
    return calls


@pytest.fixture
def envdir(tmp_path):
    (tmp_path / 'env/bin').mkdir(parents=True)
    (tmp_path / 'env/bin/python').symlink_to(sys.executable)
    return tmp_path / 'env'


def test_packages_are_the_core_and_every_plugin(checkout):
    assert develop.packages() == [checkout, checkout / 'plugins/sinks/line']


def test_a_second_run_installs_nothing(checkout, installed, envdir):
    develop.ensure(envdir, 'dev')
    develop.ensure(envdir, 'dev')
    assert installed == ['dev']


@pytest.mark.parametrize('name', ['setup.py', 'plugins/sinks/line/setup.py', 'drakkar/_version.py'])
def test_a_changed_file_installs_again(checkout, installed, envdir, name):
    develop.ensure(envdir, '')
    (checkout / name).write_text('changed')
    develop.ensure(envdir, '')
    assert len(installed) == 2


def test_a_new_plugin_and_other_extras_install_again(checkout, installed, envdir):
    develop.ensure(envdir, '')
    (checkout / 'plugins/handlers/count').mkdir(parents=True)
    (checkout / 'plugins/handlers/count/setup.py').touch()
    develop.ensure(envdir, '')
    develop.ensure(envdir, 'dev')
    assert installed == ['', '', 'dev']


def test_a_failed_installation_is_tried_again(checkout, envdir, monkeypatch):
    def fail(python: Path, extras: str) -> None:
        raise subprocess.CalledProcessError(1, 'pip')

    monkeypatch.setattr(develop, 'install', fail)
    for _ in range(2):
        with pytest.raises(subprocess.CalledProcessError):
            develop.ensure(envdir, '')
