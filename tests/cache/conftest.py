from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from drakkar.contracts.cache import Scope
from tests.cache.damage import path_of
from tests.cache.world import World, world


@pytest.fixture
def caches(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


@pytest.fixture
def closed(caches: World) -> Path:
    """The file of a worker that has ended, with one shared entry."""
    cache = caches.cache('broken')
    cache.set('k', 1, scope=Scope.CLUSTER)
    cache.stop()
    return path_of(caches, 'broken')
