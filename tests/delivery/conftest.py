from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.delivery.world import FakeSink, World


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


@pytest.fixture
def sink() -> FakeSink:
    return FakeSink()
