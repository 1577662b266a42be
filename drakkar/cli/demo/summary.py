"""The demo's last words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from drakkar import jsonio
from drakkar.worker.worker import Worker


def show_summary(
    figures: dict[str, Any], worker: Worker, folder: Path, stays: bool, as_json: bool
) -> None:
    """Print what was done, how fast, and where to look; `stays` means the worker does."""
    places = {
        'results': figures['results'],
        'log': str(folder / 'worker.log'),
        'configuration': str(folder / 'drakkar.ini'),
    }
    if stays:
        places |= {service.name: service.url for service in worker.parts.services}
    if as_json:
        click.echo(jsonio.dumps({**figures, **places}))
        return
    console = Console(soft_wrap=True)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style='bold')
    table.add_column(justify='right')
    for name in _ROWS:
        value = figures[name]
        table.add_row(name.replace('_', ' '), '-' if value is None else f'{value:,}')
    console.print(table)
    for path in sorted(Path(figures['results']).rglob('*.jsonl')):
        console.print(f'  {path}  {path.stat().st_size:,} bytes', highlight=False)
    for name, place in places.items():
        console.print(f'{name}: {place}', highlight=False)
    if worker.parts.cache is not None and figures['from_cache_percent'] < 50:
        console.print('Run the demo again, and these searches come from the cache.')
    if stays:
        console.print('The worker stays up; Ctrl-C ends it.')
    else:
        # The log goes to a file; to see where the UI is, people need it here.
        command = f'drakkar serve --set logging.output=stderr -c {places["configuration"]}'
        console.print(f'again, as a worker: {command}')


_ROWS = [
    'messages',
    'tasks',
    'from_cache',
    'from_cache_percent',
    'retries',
    'failures',
    'dead_letters',
    'payloads_delivered',
    'seconds',
    'messages_per_second',
    'tasks_per_second',
    'task_p50_ms',
    'task_p95_ms',
    'task_p99_ms',
]
