"""Run the integration environment as processes of this machine, or tell a running one what to do.

    python -m integration.stack up [--offset N | --free] [--no-load] [--no-web-uis]
                                   [--env SERVICE:NAME=VALUE]...
    python -m integration.stack status [--json]
    python -m integration.stack logs [-f] [-n LINES] [SERVICE]...
    python -m integration.stack start|restart SERVICE [NAME=VALUE]...
    python -m integration.stack stop|kill SERVICE

`up` stays in the foreground with the logs of all services; Ctrl-C ends everything. NAME=VALUE are
environment variables of a service, kept for its later starts. What can not be done is said in one
line, with exit code 1.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from integration.stack.control import ControlError, default_state
from integration.stack.orders import OrderError, change, show_logs, show_status
from integration.stack.up import up


def parse() -> argparse.Namespace:
    """Return the command line's words; `run` is the function for them."""
    parser = argparse.ArgumentParser(prog='python -m integration.stack')
    parser.add_argument('--state', type=Path, default=default_state(), help='folder of the stack')
    actions = parser.add_subparsers(dest='action', required=True)
    start = actions.add_parser('up', help='start everything, in the foreground')
    ports = start.add_mutually_exclusive_group()
    ports.add_argument('--offset', type=int, default=0, help='added to every port')
    ports.add_argument('--free', action='store_true', help='take any free ports')
    start.add_argument('--no-load', action='store_true', help='no producer, no load generator')
    start.add_argument('--no-web-uis', action='store_true', help='none for Kafka, Redis, MongoDB')
    start.add_argument('--env', action='append', default=[], metavar='SERVICE:NAME=VALUE')
    start.set_defaults(run=up)
    status = actions.add_parser('status', help='say what runs, is ready, and where')
    status.add_argument('--json', action='store_true', help='for scripts')
    status.set_defaults(run=show_status)
    logs = actions.add_parser('logs', help='show the logs of services, of all if none is named')
    logs.add_argument('-f', '--follow', action='store_true', help='and what comes')
    logs.add_argument('-n', '--lines', type=_count, help='only so many of what is there')
    logs.add_argument('service', nargs='*')
    logs.set_defaults(run=show_logs)
    for name in ('start', 'stop', 'kill', 'restart'):
        order = actions.add_parser(name, help=f'{name} one service')
        order.add_argument('service')
        if name in ('start', 'restart'):
            order.add_argument('variables', nargs='*', metavar='NAME=VALUE')
        order.set_defaults(run=change)
    return parser.parse_args()


def _count(word: str) -> int:
    number = int(word)
    if number < 0:
        raise argparse.ArgumentTypeError('0 or more')
    return number


def main() -> int:
    """Do what the command line says; return the exit code."""
    options = parse()
    if options.action != 'up':
        # Whoever reads may go, as `head` does.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        options.run(options)
    except (OrderError, ControlError) as error:
        print(f'integration: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
