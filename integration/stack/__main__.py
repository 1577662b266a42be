"""Run the integration environment as processes of this machine, or tell a running one what to do.

    python -m integration.stack up [--offset N | --free] [--no-load] [--no-web-uis]
                                   [--env SERVICE:NAME=VALUE]...
    python -m integration.stack status
    python -m integration.stack start|stop|kill|restart SERVICE [NAME=VALUE]...

`up` stays in the foreground with the logs of all services; Ctrl-C ends everything. NAME=VALUE are
environment variables of a service, kept for its later starts.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections import defaultdict
from pathlib import Path

from integration.servers.obtain import NotObtainableError
from integration.servers.server import StartError
from integration.stack.control import Control, ControlError, default_state
from integration.stack.plan import WORKERS
from integration.stack.services import LOAD, PRODUCER, TENANT_LOAD, PortTakenError, choose_ports
from integration.stack.stack import Stack
from integration.stack.table import lines

SERVICES = (*(worker.name for worker in WORKERS), PRODUCER, LOAD, TENANT_LOAD)
"""Those that take environment variables."""


def up(options: argparse.Namespace) -> int:
    """Run the stack until a signal comes; return the exit code."""
    # Explicitly: a shell has programs that it starts in the background ignore SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with contextlib.suppress(ControlError):
        Control(options.state).ask('status')
        print(f'integration: a stack runs already, its folder is {options.state}', file=sys.stderr)
        return 1
    try:
        extra = _extra(options.env)
        ports = choose_ports(None if options.free else options.offset)
        load = () if options.no_load else (PRODUCER, LOAD)
        with (
            contextlib.suppress(KeyboardInterrupt),
            Stack(options.state, ports, extra, load, web_uis=not options.no_web_uis) as stack,
        ):
            stack.start()
            for line in lines(ports):
                stack.say(line)
            stack.say('ready; Ctrl-C ends everything')
            stack.watch()
    except (PortTakenError, NotObtainableError, StartError, ValueError) as error:
        print(f'integration: {error}', file=sys.stderr)
        return 1
    return 0


def _extra(words: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for word in words:
        service, colon, assignment = word.partition(':')
        if not colon or '=' not in assignment:
            raise ValueError(f'--env {word}: not SERVICE:NAME=VALUE')
        if service not in SERVICES:
            raise ValueError(f'--env {word}: takes one of {", ".join(SERVICES)}')
        found[service].update(_assignments([assignment]))
    return found


def _assignments(words: list[str]) -> dict[str, str]:
    for word in words:
        if '=' not in word:
            raise ValueError(f'{word}: not NAME=VALUE')
    return {name: value for name, _, value in (word.partition('=') for word in words)}


def tell(options: argparse.Namespace) -> int:
    """Pass one order on to the running stack; return the exit code."""
    control = Control(options.state)
    try:
        if options.action == 'status':
            for name, state in control.ask('status')['services'].items():
                print(f'{name:24} {"runs" if state["running"] else "-"}')
            return 0
        if options.action in ('stop', 'restart'):
            control.stop(options.service)
        if options.action == 'kill':
            control.ask('kill', options.service)
        if options.action in ('start', 'restart'):
            control.ask('start', options.service, **_assignments(options.variables))
    except (ControlError, ValueError) as error:
        print(f'integration: {error}', file=sys.stderr)
        return 1
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog='python -m integration.stack')
    parser.add_argument('--state', type=Path, default=default_state(), help='folder of the stack')
    actions = parser.add_subparsers(dest='action', required=True)
    start = actions.add_parser('up', help='start everything, in the foreground')
    start.add_argument('--offset', type=int, default=0, help='added to every port')
    start.add_argument('--free', action='store_true', help='take any free ports')
    start.add_argument('--no-load', action='store_true', help='no producer, no load generator')
    start.add_argument(
        '--no-web-uis', action='store_true', help='none for Kafka, Redis and MongoDB'
    )
    start.add_argument('--env', action='append', default=[], metavar='SERVICE:NAME=VALUE')
    actions.add_parser('status', help='say which services run')
    for name in ('start', 'stop', 'kill', 'restart'):
        order = actions.add_parser(name, help=f'{name} one service')
        order.add_argument('service')
        order.add_argument('variables', nargs='*', metavar='NAME=VALUE')
    options = parser.parse_args()
    return up(options) if options.action == 'up' else tell(options)


if __name__ == '__main__':
    sys.exit(main())
