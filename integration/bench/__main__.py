"""`make bench`: prints each figure beside its bare loop, measured in turn in the same run.

Without names all are measured. `make bench BENCH_ARGS="tasks kafka-latency"` measures these.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

# With an argument it takes so many milliseconds first.
_PROGRAM = """
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) {
    if (argc > 1) usleep(1000 * atoi(argv[1]));
    return write(1, "ok\\n", 3) == 3 ? 0 : 1;
}
"""


class Pair(NamedTuple):
    """A measurement of the product, the bare loop beside it (if there is one), and its unit."""

    title: str
    product: str
    bare: str
    unit: str


PAIRS = {
    'log': Pair('embedded log in, empty arrange', 'empty', 'bare-log', 'messages'),
    'tasks': Pair('embedded log in, one-shot task, file out', 'tasks', 'bare-spawn', 'tasks'),
    'kafka': Pair('Kafka in, empty arrange', 'kafka-empty', 'bare-kafka', 'messages'),
    'kafka-tasks': Pair('Kafka in, one-shot task, Kafka out', 'kafka-tasks', '', 'tasks'),
    'recorder': Pair(
        'flight recorder on, beside off: one-shot task, file out',
        'recorder-on-tasks',
        'recorder-off-tasks',
        'tasks',
    ),
    'recorder-log': Pair(
        'flight recorder on, beside off: empty arrange',
        'recorder-on-empty',
        'recorder-off-empty',
        'messages',
    ),
    'ui': Pair(
        'debug UI with 50 open pages, 10 of which read nothing, beside none: one-shot task',
        'ui-pages-tasks',
        'ui-none-tasks',
        'tasks',
    ),
}
SINKS = ('kafka', 'postgres', 'mongo', 'redis', 'http')
OTHERS = (
    'webapp',
    'webapp-priority',
    'cache',
    'cache-million',
    'recorder-steady',
    'kafka-latency',
    'kafka-backpressure',
)
NAMES = [*PAIRS, *OTHERS, *(f'sink-{name}' for name in SINKS)]


def main() -> None:
    parser = argparse.ArgumentParser(prog='make bench', description=__doc__)
    parser.add_argument('names', nargs='*', choices=[*NAMES, []], help=', '.join(NAMES))
    parser.add_argument('--messages', type=int, default=100_000, help='for the empty arrange')
    parser.add_argument('--tasks', type=int, default=20_000)
    parser.add_argument('--executors', type=int, default=4)
    parser.add_argument('--rounds', type=int, default=3, help='the median of so many is shown')
    parser.add_argument('--seconds', type=int, default=60, help='of recorder-steady')
    parser.add_argument('--json', action='store_true')
    arguments = parser.parse_args()
    report = []
    with tempfile.TemporaryDirectory(prefix='drakkar-bench-') as folder:
        program = _compile(Path(folder))
        for name in arguments.names or NAMES:
            print(f'measuring {name}', file=sys.stderr)
            entry, show = _measurement(name, program, arguments)
            report.append(entry)
            if not arguments.json:
                show(entry)
    if arguments.json:
        print(json.dumps(report, indent=2))


def _compile(folder: Path) -> str:
    """Build the trivial program that stands for the user's."""
    source, program = folder / 'ok.c', folder / 'ok'
    source.write_text(_PROGRAM)
    subprocess.run(['cc', '-O2', '-static', '-o', program, source], check=True)
    return str(program)


def _measurement(
    name: str, program: str, arguments: argparse.Namespace
) -> tuple[dict[str, Any], Callable[[dict[str, Any]], None]]:
    """Measure what is named; return its figures and what prints them."""
    if name in PAIRS:
        return _pair(PAIRS[name], program, arguments), _show
    if name == 'cache':
        figures = _measure(name, arguments.messages, program, 0)
        return {'title': 'cache: calls of the handler', **figures}, _show_calls
    if name == 'cache-million':
        figures = _measure(name, 1_000_000, program, 0)
        return {'title': 'cache: more on disk than in memory', **figures}, _show_million
    if name == 'webapp':
        figures = _measure(name, arguments.tasks // 10, program, arguments.executors)
        return {'title': 'HTTP endpoint', **figures}, _show_requests
    if name == 'webapp-priority':
        figures = _measure(name, 0, program, arguments.executors)
        return {'title': 'HTTP requests beside a backlog of messages', **figures}, _show_priority
    if name == 'recorder-steady':
        figures = _measure(name, arguments.seconds, program, arguments.executors)
        return {'title': 'flight recorder, 5,000 events/s', **figures}, _show_steady
    if name == 'kafka-latency':
        figures = _measure(name, 400, program, arguments.executors)
        return {'title': 'Kafka in, task, Kafka out at 20 messages/s', **figures}, _show_latency
    if name == 'kafka-backpressure':
        figures = _measure(name, arguments.tasks // 5, program, arguments.executors)
        return {'title': 'Kafka in, task of 5 ms, with pauses', **figures}, _show_pauses
    return _measure(name, 0, program, arguments.rounds), _show


def _pair(pair: Pair, program: str, arguments: argparse.Namespace) -> dict[str, Any]:
    count = arguments.tasks if pair.unit == 'tasks' else arguments.messages
    runs: dict[str, list[dict[str, Any]]] = {pair.product: [], pair.bare: []}
    for _ in range(arguments.rounds):
        for name in filter(None, (pair.bare, pair.product)):
            runs[name].append(_measure(name, count, program, arguments.executors))
    entry = {'title': pair.title, 'unit': pair.unit, 'count': count}
    entry['product'] = _median(runs[pair.product])
    if pair.bare:
        entry['bare'] = _median(runs[pair.bare])
        ratios = [
            product['rate'] / bare['rate']
            for product, bare in zip(runs[pair.product], runs[pair.bare], strict=True)
        ]
        entry['rate_ratio'] = statistics.median(ratios)
    return entry


def _measure(name: str, count: int, program: str, number: int) -> dict[str, Any]:
    """Run one measurement in a process of its own; see child.py for what `number` means."""
    command = [sys.executable, '-m', 'integration.bench.child']
    command += [name, str(count), program, str(number)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    figures: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return figures


def _median(runs: list[dict[str, Any]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def _show(entry: dict[str, Any]) -> None:
    unit = entry['unit']
    print(f'\n{entry["title"]}: {entry["count"]:,} {unit}')
    gap = f'{"longest gap ms":>16}' if 'gap_ms' in entry['product'] else ''
    print(f'  {"":12}{unit + "/s":>14}{"CPU µs each":>14}{"peak MiB":>12}{gap}')
    for name in ('product', 'bare'):
        if name in entry:
            figures = entry[name]
            cells = [f'{figures["rate"]:14,.0f}']
            cells += [
                f'{figures[key]:{width}.1f}' if key in figures else ' ' * width
                for key, width in (('cpu_us', 14), ('peak_rss_mib', 12), ('gap_ms', 16))
            ]
            print(f'  {name:12}' + ''.join(cells))
    if 'rate_ratio' in entry:
        print(f'  rate of the bare loop: {entry["rate_ratio"]:.0%}')
    sys.stdout.flush()


def _show_calls(entry: dict[str, Any]) -> None:
    print(f'\n{entry["title"]}\n  {"":18}{"calls/s":>12}{"µs each":>10}{"longest gap ms":>16}')
    for case in entry['cases']:
        bare = f'  bare query in the hub: {case["bare_rate"]:,.0f}/s' if 'bare_rate' in case else ''
        print(
            f'  {case["title"]:18}{case["rate"]:12,.0f}{1e6 / case["rate"]:10.1f}'
            f'{case["gap_ms"]:16.1f}{bare}'
        )
    sys.stdout.flush()


def _show_requests(entry: dict[str, Any]) -> None:
    heads = f'{"clients":>10}{"requests/s":>12}{"p50 ms":>10}{"p99 ms":>10}'
    print(f'\n{entry["title"]}\n  {"":18}{heads}')
    for case in entry['cases']:
        print(
            f'  {case["title"]:18}{case["clients"]:10}{case["rate"]:12,.0f}'
            f'{case["p50_ms"]:10.1f}{case["p99_ms"]:10.1f}'
        )
    sys.stdout.flush()


def _show_priority(entry: dict[str, Any]) -> None:
    print(
        f'\n{entry["title"]}: tasks of {entry["task_ms"]} ms, {entry["waiting"]} of them waiting, '
        f'{entry["requests"]} requests\n'
        f'  a request waited for its slot p50 {entry["p50_ms"]:.1f} ms, p95 '
        f'{entry["p95_ms"]:.1f} ms, max {entry["max_ms"]:.1f} ms',
        flush=True,
    )


def _show_million(entry: dict[str, Any]) -> None:
    print(
        f'\n{entry["title"]}: {entry["entries"]:,} entries, {entry["in_memory"]:,} of them '
        f'in memory, {entry["lost"]:,} lost, {entry["disk_mib"]:.0f} MiB on disk\n'
        f'  {entry["set_rate"]:,.0f} set/s, {entry["get_rate"]:,.0f} get/s, longest gap of the hub '
        f'{entry["gap_ms"]:.1f} ms (without any work {entry["idle_gap_ms"]:.1f} ms)\n'
        f'  memory {entry["rss_first_tenth_mib"]:.1f} MiB after the first tenth, '
        f'{entry["rss_end_mib"]:.1f} in the end',
        flush=True,
    )


def _show_steady(entry: dict[str, Any]) -> None:
    print(
        f'\n{entry["title"]} for {entry["seconds"]} s: {entry["written"]:,} written, '
        f'{entry["dropped"]:,} lost\n'
        f'  CPU {entry["cpu_us_each"]:.1f} µs an event, longest gap of the hub '
        f'{entry["gap_ms"]:.1f} ms (without any work {entry["idle_gap_ms"]:.1f} ms)\n'
        f'  memory {entry["rss_half_mib"]:.1f} MiB at most in the first half, '
        f'{entry["rss_end_mib"]:.1f} in the second; disk {entry["disk_most_mib"]:.0f} MiB at most',
        flush=True,
    )


def _show_latency(entry: dict[str, Any]) -> None:
    figures = ', '.join(f'{q} {entry[f"{q}_ms"]:.1f} ms' for q in ('p50', 'p99', 'max'))
    print(f'\n{entry["title"]}: from produce to delivered {figures}', flush=True)


def _show_pauses(entry: dict[str, Any]) -> None:
    print(f'\n{entry["title"]}')
    heads = ('broker', 'pauses', 'how many', 'tasks/s', 'idle slot s', 'resumed p50 ms', 'max ms')
    print('  ' + ''.join(f'{head:>15}' for head in heads))
    for case in entry['cases']:
        broker = f'{case["late_ms"]} ms late' if case['late_ms'] else 'quick'
        cells = (
            broker,
            case['pauses_when'],
            f'{case["pauses"]}',
            f'{case["rate"]:,.0f}',
            f'{case["idle_slot_seconds"]:.2f}',
            f'{case["resume_p50_ms"]:.1f}',
            f'{case["resume_max_ms"]:.1f}',
        )
        print('  ' + ''.join(f'{cell:>15}' for cell in cells))
    sys.stdout.flush()


if __name__ == '__main__':
    main()
