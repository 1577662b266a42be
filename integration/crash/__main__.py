"""`python -m integration.crash`: the crash test with a random seed, as long as you like."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

from integration.crash.scenario import one_worker, two_workers


def main() -> int:
    parser = argparse.ArgumentParser(prog='python -m integration.crash', description=__doc__)
    parser.add_argument('--kills', type=int, default=30, help='SIGKILLs a scenario')
    parser.add_argument('--messages', type=int, default=100, help='messages a round')
    parser.add_argument('--seed', type=int, default=random.randrange(10**6))
    arguments = parser.parse_args()
    lost_nothing = True
    for scenario in (one_worker, two_workers):
        with tempfile.TemporaryDirectory(prefix='drakkar-crash-') as folder:
            report = scenario(Path(folder), arguments.seed, arguments.kills, arguments.messages)
        print(json.dumps(report.plain(), indent=2), flush=True)
        lost_nothing &= report.lost_nothing
    return 0 if lost_nothing else 1


if __name__ == '__main__':
    sys.exit(main())
