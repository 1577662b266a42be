"""`make bench`: prints each figure beside its bare loop, measured in turn in the same run."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_PROGRAM = """
#include <unistd.h>
int main(void) { return write(1, "ok\\n", 3) == 3 ? 0 : 1; }
"""

# (title, the product's measurement, the bare loop's, what one of it is called)
_PAIRS = [
    ('empty arrange', 'empty', 'bare-log', 'messages'),
    ('one-shot tasks', 'tasks', 'bare-spawn', 'tasks'),
]


def main() -> None:
    parser = argparse.ArgumentParser(prog='make bench', description=__doc__)
    parser.add_argument('--messages', type=int, default=100_000, help='for the empty arrange')
    parser.add_argument('--tasks', type=int, default=20_000)
    parser.add_argument('--executors', type=int, default=4)
    parser.add_argument('--rounds', type=int, default=3, help='the median of so many is shown')
    parser.add_argument('--json', action='store_true')
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='drakkar-bench-') as folder:
        program = _compile(Path(folder))
        report = [_pair(*pair, program, arguments) for pair in _PAIRS]
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    for entry in report:
        _show(entry)


def _compile(folder: Path) -> str:
    """Build the trivial program that stands for the user's."""
    source, program = folder / 'ok.c', folder / 'ok'
    source.write_text(_PROGRAM)
    subprocess.run(['cc', '-O2', '-static', '-o', program, source], check=True)
    return str(program)


def _pair(
    title: str, product: str, bare: str, unit: str, program: str, arguments: argparse.Namespace
) -> dict[str, Any]:
    count = arguments.tasks if unit == 'tasks' else arguments.messages
    runs: dict[str, list[dict[str, float]]] = {product: [], bare: []}
    for number in range(arguments.rounds):
        for name in (bare, product):
            print(f'{title}: round {number + 1} of {arguments.rounds}, {name}', file=sys.stderr)
            runs[name].append(_measure(name, count, program, arguments.executors))
    ratios = [p['rate'] / b['rate'] for p, b in zip(runs[product], runs[bare], strict=True)]
    return {
        'title': title,
        'unit': unit,
        'count': count,
        'product': _median(runs[product]),
        'bare': _median(runs[bare]),
        'rate_ratio': statistics.median(ratios),
    }


def _measure(name: str, count: int, program: str, executors: int) -> dict[str, float]:
    command = [sys.executable, '-m', 'integration.bench.child']
    command += [name, str(count), program, str(executors)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    figures: dict[str, float] = json.loads(printed.splitlines()[-1])
    return figures


def _median(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def _show(entry: dict[str, Any]) -> None:
    unit = entry['unit']
    print(f'\n{entry["title"]}: {entry["count"]:,} {unit}')
    print(f'  {"":12}{unit + "/s":>14}{"CPU µs each":>14}{"peak MiB":>12}')
    for name in ('product', 'bare'):
        figures = entry[name]
        print(
            f'  {name:12}{figures["rate"]:14,.0f}{figures["cpu_us"]:14.1f}'
            f'{figures["peak_rss_mib"]:12.1f}'
        )
    print(f'  rate of the bare loop: {entry["rate_ratio"]:.0%}')


if __name__ == '__main__':
    main()
