from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.worker.probe.reporting import Run, reporting


@pytest.fixture
def reported() -> Iterator[Run]:
    with reporting() as run:
        yield run
