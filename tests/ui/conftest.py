from collections.abc import Iterator

import pytest

from tests.ui.site import Site, running


@pytest.fixture(scope='module')
def site() -> Iterator[Site]:
    """A worker without a token, for all tests of a module."""
    with running() as site:
        yield site
