"""What is asked of a stack that runs, or has run: to change a service, its state, its logs."""

from __future__ import annotations

import contextlib
import sys
import time
from argparse import Namespace
from collections.abc import Iterable

from integration.stack import logs, status
from integration.stack.control import Control
from integration.stack.services import TAKE_VARIABLES, names


class OrderError(Exception):
    """An order that can not be carried out; the text says why."""


def change(options: Namespace) -> None:
    """Start, stop, kill or restart one service. Raises OrderError, ControlError."""
    control, service = Control(options.state), options.service
    variables = assignments(getattr(options, 'variables', []))
    check(control.ask('status')['services'], [service])
    if variables and service not in TAKE_VARIABLES:
        takes = ', '.join(TAKE_VARIABLES)
        raise OrderError(f'{service} takes no variables; those that do: {takes}')
    match options.action:
        case 'stop':
            control.stop(service)
        case 'kill':
            control.ask('kill', service)
        case 'start':
            control.ask('start', service, **variables)
        case 'restart':
            if control.running(service):
                control.stop(service)
            control.ask('start', service, **variables)


def show_status(options: Namespace) -> None:
    """Print what runs, is ready and where. Raises ControlError."""
    found = status.report(Control(options.state))
    print(status.as_json(found) if options.json else '\n'.join(status.as_table(found)))


def show_logs(options: Namespace) -> None:
    """Print the services' logs, and with `-f` what comes until the stack ends.

    Raises OrderError.
    """
    folder = options.state / 'logs'
    if not folder.is_dir():
        raise OrderError(f'no logs in {folder}: no stack was started there')
    check(names(), options.service)
    chosen = {name: folder / f'{name}.log' for name in options.service or names()}
    files = logs.followers(chosen, names(), sys.stdout)
    if options.lines is not None:
        for file in files.values():
            file.skip_to_last(options.lines)
    control = Control(options.state)

    def ended(seconds: float) -> bool:
        if not options.follow:
            return True
        time.sleep(seconds)
        return not control.alive()

    with contextlib.suppress(KeyboardInterrupt):
        logs.follow(files.values(), sys.stdout, ended)


def check(known: Iterable[str], asked: list[str]) -> None:
    """See that all services that were asked for exist. Raises OrderError."""
    for name in asked:
        if name not in known:
            raise OrderError(f'no service {name!r}; there are: {", ".join(known)}')


def assignments(words: list[str]) -> dict[str, str]:
    """Return NAME=VALUE words as a mapping. Raises OrderError."""
    for word in words:
        if '=' not in word:
            raise OrderError(f'{word}: not NAME=VALUE')
    return {name: value for name, _, value in (word.partition('=') for word in words)}
