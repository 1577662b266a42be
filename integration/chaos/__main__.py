"""Run the rolling outage on the stack that runs, and prove that nothing was lost.

    integration/chaos-test.sh [--speed N] [--kill] [--total N] ... (see --help)

Exit code 0: nothing was lost; 1: something was; 2: it could not be run.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import closing
from pathlib import Path

from integration.chaos import report
from integration.chaos.containers import Containers
from integration.chaos.run import Chaos, Settings
from integration.infra.phases import TOTAL
from integration.stack.control import Control, ControlError, default_state


def main() -> int:
    parser = argparse.ArgumentParser(prog='chaos-test.sh', description=__doc__.partition('\n')[0])
    parser.add_argument('--state', type=Path, default=default_state(), help='folder of the stack')
    parser.add_argument('--compose', action='store_true', help='the stack is of containers')
    parser.add_argument('--prove', action='store_true', help='no outage: only read the books')
    parser.add_argument('--speed', type=float, default=1, help='divides all times')
    parser.add_argument('--kill', action='store_true', help='end workers with SIGKILL')
    parser.add_argument(
        '--total',
        type=int,
        default=int(os.environ.get('TOTAL_MESSAGES') or TOTAL),
        help='messages that the producer sends',
    )
    parser.add_argument('--limit', type=float, default=3600, help='seconds for all messages')
    parser.add_argument('--report', type=Path, help='folder for chaos.txt, chaos.json, chaos.svg')
    options = parser.parse_args()
    seed = int(os.environ.get('SEED') or 1)
    settings = Settings(
        options.total, options.speed, options.kill, limit_seconds=options.limit, seed=seed
    )
    orders = Containers() if options.compose else Control(options.state)
    with closing(orders):
        try:
            return play(Chaos(orders, settings), options)
        except (ControlError, TimeoutError) as error:
            print(f'chaos: {error}', file=sys.stderr)
            return 2


def play(chaos: Chaos, options: argparse.Namespace) -> int:
    """Run the outage, or only read the books; return the exit code."""
    if options.prove:
        proof = chaos.prove()
        print('\n'.join(report.books(proof)))
    else:
        outcome = chaos.run()
        proof = outcome.proof
        print(f'\n{report.text(outcome)}')
        report.write(outcome, options.report or options.state / 'report')
    return 0 if proof.lost_nothing else 1


if __name__ == '__main__':
    sys.exit(main())
