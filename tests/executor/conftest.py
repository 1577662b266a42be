from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.executor.world import World

SOURCES = Path(__file__).with_name('programs')


@pytest.fixture(scope='session')
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with every program of tests/executor/programs, compiled once."""
    folder = tmp_path_factory.mktemp('programs')
    for source in sorted(SOURCES.glob('*.c')):
        subprocess.run(['cc', '-O1', '-o', folder / source.stem, source], check=True)
    return folder


@pytest.fixture
def make_world(programs: Path) -> Iterator[Callable[..., World]]:
    """Make a pool of the given [executor] options, closed after the test."""
    worlds: list[World] = []

    def make(**options: Any) -> World:
        worlds.append(World(programs, **options))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
