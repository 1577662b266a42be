"""`python -m integration.soak`: the soak with a random seed and as many messages as you like."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

from integration.soak.scenario import soak


def main() -> int:
    parser = argparse.ArgumentParser(prog='python -m integration.soak', description=__doc__)
    parser.add_argument('--messages', type=int, default=20_000)
    parser.add_argument('--seed', type=int, default=random.randrange(10**6))
    parser.add_argument('--folder', type=Path, help='keep the logs of the workers here')
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='drakkar-soak-') as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = soak(folder, arguments.seed, arguments.messages)
    print(json.dumps(report.plain(), indent=2))
    return 0 if report.lost_nothing else 1


if __name__ == '__main__':
    sys.exit(main())
