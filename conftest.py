"""Guards for every test suite of the repository: patching, time limits, leaks."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from gevent import monkey
from hypothesis import settings

from drakkar import log
from tests import leaks

pytest_plugins = ['tests.timeouts', 'integration.servers.fixtures']

# Examples have no deadline of their own: on a busy machine it would fail tests at random.
settings.register_profile('drakkar', deadline=None)
settings.load_profile('drakkar')


def pytest_configure() -> None:
    """Refuse to test what production never runs: an interpreter that is not patched."""
    if not monkey.is_module_patched('socket'):
        raise pytest.UsageError(
            "gevent's patching is not active; run: python -m gevent.monkey --module pytest ..."
        )
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Started in the background by a shell script: the programs under test must hear Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    log.reset()  # plain lines: structlog's own tracebacks show every local variable


@pytest.fixture(scope='session', autouse=True)
def _warm_hub() -> None:
    """Create what the hub opens once, so that no test is blamed for it."""
    leaks.warm_hub()


@pytest.fixture(autouse=True)
def _no_leaks(_warm_hub: None) -> Iterator[None]:
    """Fail a test that leaves greenlets, children, descriptors or environment behind."""
    before = leaks.snapshot()
    yield
    found = leaks.find(before)
    if found:
        leaks.clean_up(before)
        pytest.fail('leaked by this test:\n' + '\n'.join(found), pytrace=False)
