"""Fetch servers, or run them by hand.

    python -m integration.servers fetch kafka postgres
    python -m integration.servers run kafka postgres [--brokers 3]

`fetch` sees that the servers are there and prints a line each on stderr; what can not be had is
said and is no error, unless DRAKKAR_TEST_REQUIRE=1. `run` starts them, prints their addresses on
stdout and ends them on Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys

from integration.servers.catalog import SERVERS, kafka_kind
from integration.servers.kafka import Kafka
from integration.servers.obtain import REQUIRE, NotObtainableError, say


def fetch(names: list[str]) -> int:
    """Obtain the servers; return the exit code."""
    missing = 0
    for name in names:
        kind = SERVERS[name]
        try:
            kind = kafka_kind() if name == 'kafka' else kind
            say(kind.label, kind.obtain())
        except NotObtainableError as error:
            missing += 1
            say(kind.label, f'MISSING, its tests will be skipped. {error}')
    required = os.environ.get(REQUIRE, '') not in ('', '0')
    return 1 if missing and required else 0


def run(names: list[str], brokers: int) -> int:
    """Run the servers until a signal comes."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as stack:
        for name in names:
            kind = kafka_kind() if name == 'kafka' else SERVERS[name]
            server = stack.enter_context(kind(brokers) if kind is Kafka else kind())
            print(f'{name} {getattr(server, "dsn", server.address)}', flush=True)
        signal.pause()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('action', choices=['fetch', 'run'])
    parser.add_argument('servers', nargs='+', choices=sorted(SERVERS))
    parser.add_argument('--brokers', type=int, default=1, help='of Kafka')
    options = parser.parse_args()
    if options.action == 'fetch':
        return fetch(options.servers)
    return run(options.servers, options.brokers)


if __name__ == '__main__':
    sys.exit(main())
