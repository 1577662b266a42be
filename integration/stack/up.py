"""`up`: runs the stack in the foreground until a signal comes."""

from __future__ import annotations

import contextlib
import signal
from argparse import Namespace
from collections import defaultdict

from integration.servers.obtain import NotObtainableError
from integration.servers.server import StartError
from integration.stack.control import Control
from integration.stack.orders import OrderError, assignments
from integration.stack.services import (
    LOAD,
    PRODUCER,
    TAKE_VARIABLES,
    PortTakenError,
    choose_ports,
)
from integration.stack.stack import Stack, StateError
from integration.stack.table import lines


def up(options: Namespace) -> None:
    """Run the stack until a signal comes. Raises OrderError."""
    # Explicitly: a shell has programs that it starts in the background ignore SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    if Control(options.state).alive():
        raise OrderError(f'a stack runs already, its folder is {options.state}')
    extra = _extra(options.env)
    load = () if options.no_load else (PRODUCER, LOAD)
    try:
        ports = choose_ports(None if options.free else options.offset)
        with (
            contextlib.suppress(KeyboardInterrupt),
            Stack(options.state, ports, extra, load, web_uis=not options.no_web_uis) as stack,
        ):
            stack.start()
            for line in lines(ports):
                stack.say(line)
            stack.say('ready; Ctrl-C ends everything')
            stack.watch()
    except (PortTakenError, NotObtainableError, StartError, StateError, ValueError) as error:
        raise OrderError(str(error)) from error


def _extra(words: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for word in words:
        service, colon, assignment = word.partition(':')
        if not colon or '=' not in assignment:
            raise OrderError(f'--env {word}: not SERVICE:NAME=VALUE')
        if service not in TAKE_VARIABLES:
            raise OrderError(f'--env {word}: takes one of {", ".join(TAKE_VARIABLES)}')
        found[service].update(assignments([assignment]))
    return found
