"""Third-party packages as their authors write them, installed by pip into a folder."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SETUP = """\
from setuptools import setup

setup(
    name='{name}',
    version='0.7',
    py_modules=['{module}'],
    install_requires=['drakkar'],
    entry_points={{'drakkar': ['{plugin} = {module}']}},
)
"""


def install(sources: Mapping[str, str], folder: Path) -> Path:
    """Write a package `drakkar-<name>` for each module source, install them, return the target.

    The target is for PYTHONPATH. Nothing is fetched: the running environment has
    setuptools and Drakkar.
    """
    packages = []
    for plugin, source in sources.items():
        package = folder / f'drakkar-{plugin}'
        package.mkdir(parents=True)
        module = f'drakkar_{plugin}'
        setup = SETUP.format(name=package.name, module=module, plugin=plugin)
        (package / 'setup.py').write_text(setup)
        (package / f'{module}.py').write_text(source)
        packages.append(str(package))
    target = folder / 'site'
    pip = [sys.executable, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    offline = ['--no-deps', '--no-build-isolation', '--no-index', '--target', str(target)]
    done = subprocess.run(
        [*pip, *offline, *packages], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return target
