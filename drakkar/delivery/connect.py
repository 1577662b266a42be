"""Connects all sinks at start, in parallel, and all or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import gevent
import structlog

from drakkar.backoff import delay_seconds
from drakkar.delivery.instance import describe
from drakkar.delivery.settings import DeliverySettings
from drakkar.errors import AccessRefusedError, ConfigError, ConnectError
from drakkar.greenlets import Nursery

log = structlog.get_logger('drakkar.delivery')

MAX_BACKOFF_SECONDS = 10.0
# What trying again does not change.
FINAL = (ConfigError, AccessRefusedError)


def connect_all(
    connects: Mapping[str, Callable[[], None]], settings: DeliverySettings, nursery: Nursery
) -> None:
    """Call every value of `connects`, whose keys name the sections they belong to.

    Each is tried up to `connect_attempts` times; a ConfigError or AccessRefusedError
    is not tried again. Raises one error that names every section that failed, with the cause:
    ConfigError when all are that, else ConnectError.
    """
    failures: dict[str, Exception] = {}
    greenlets = [
        nursery.spawn(f'connect-{section}', _connect, section, connect, settings, failures)
        for section, connect in connects.items()
    ]
    try:
        gevent.joinall(greenlets)
    finally:
        gevent.killall(greenlets)  # no-op unless this one is killed itself
    if not failures:
        return
    # Sections in the order they were given, not that in which they failed.
    lines = [f'[{name}] {_text(failures[name])}' for name in connects if name in failures]
    if all(isinstance(error, ConfigError) for error in failures.values()):
        raise ConfigError(lines)
    raise ConnectError('\n'.join(lines))


def _connect(
    section: str,
    connect: Callable[[], None],
    settings: DeliverySettings,
    failures: dict[str, Exception],
) -> None:
    for attempt in range(1, settings.connect_attempts + 1):
        try:
            with gevent.Timeout(
                settings.delivery_timeout_seconds or None, TimeoutError('no answer')
            ):
                connect()
        except Exception as error:
            failures[section] = error
            if isinstance(error, FINAL) or attempt == settings.connect_attempts:
                return
            log.warning('connect_failed', section=section, attempt=attempt, error=describe(error))
            gevent.sleep(
                delay_seconds(attempt, settings.connect_backoff_seconds, MAX_BACKOFF_SECONDS)
            )
        else:
            failures.pop(section, None)
            return


def _text(error: Exception) -> str:
    """Return our own errors as they are: written for people; others with their class."""
    if isinstance(error, (ConfigError, ConnectError)):
        return str(error)
    return f'could not connect: {describe(error)}'
