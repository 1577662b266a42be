"""Run the rolling outage on the stack that runs, and prove that nothing was lost.

    integration/chaos-test.sh [--speed N] [--kill] [--total N] ... (see --help)

Exit code 0: nothing was lost; 1: something was; 2: it could not be run.
"""

from __future__ import annotations

import argparse
import math
import sys
import traceback
from contextlib import closing
from pathlib import Path

from integration.chaos import report
from integration.chaos.containers import Containers
from integration.chaos.proof import UNREADABLE
from integration.chaos.run import Chaos, Settings
from integration.infra import settings
from integration.infra.phases import TOTAL
from integration.stack.control import Control, ControlError, default_state


def main() -> int:
    try:
        options = _options()
        with closing(Containers() if options.compose else Control(options.state)) as orders:
            return play(Chaos(orders, _settings(options)), options)
    except (ControlError, ValueError, *UNREADABLE) as error:
        print(f'chaos: {error}', file=sys.stderr)
    except Exception:  # its exit code would be 1, and say that something was lost
        traceback.print_exc()
    return 2


def _options() -> argparse.Namespace:
    """Read the command line. Raises ValueError for a wrong TOTAL_MESSAGES."""
    parser = argparse.ArgumentParser(prog='chaos-test.sh', description=__doc__.partition('\n')[0])
    parser.add_argument('--state', type=Path, default=default_state(), help='folder of the stack')
    parser.add_argument('--compose', action='store_true', help='the stack is of containers')
    parser.add_argument('--prove', action='store_true', help='no outage: only read the books')
    parser.add_argument('--speed', type=_more_than_zero, default=1, help='divides all times')
    parser.add_argument('--kill', action='store_true', help='end workers with SIGKILL')
    parser.add_argument(
        '--total',
        type=int,
        default=settings.whole('TOTAL_MESSAGES', TOTAL),
        help='messages that the producer sends',
    )
    parser.add_argument('--limit', type=float, default=3600, help='seconds for all messages')
    parser.add_argument('--report', type=Path, help='folder for chaos.txt, chaos.json, chaos.svg')
    return parser.parse_args()


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        options.total,
        options.speed,
        options.kill,
        limit_seconds=options.limit,
        seed=settings.whole('SEED', 1),
    )


def _more_than_zero(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f'{text}: must be more than 0')
    return number


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
