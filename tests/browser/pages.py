"""Every page of the debug UI: its address in a town, and what says that it is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from tests.browser.town import Town


class Page(NamedTuple):
    """`shown` is an element that is there when the page has all it will show at first."""

    address: Callable[[Town], str]
    shown: str


def _task(do: str) -> Callable[[Town], str]:
    """Return the address of the page of the last ended task of a kind."""

    def address(town: Town) -> str:
        ended = 'task_failed' if do in ('fail', 'skip', 'replace') else 'task_completed'
        kind = 'task_started' if do == 'wait' else ended
        label = {'ok': 'req-', 'hostile': 'hostile'}.get(do, f'{do}-')
        found = town.first.event(f'event={kind}&labels={label}')
        return f'/task/{quote(found["task_id"])}'

    return address


def _partition(town: Town) -> str:
    return f'/partitions/{town.first.partitions()[0]}'


def _trace(town: Town) -> str:
    return f'/debug?tab=trace&q={town.first.partitions()[0]}:0'


def _at(path: str) -> Callable[[Town], str]:
    return lambda town: path


PAGES = {
    'dashboard': Page(_at('/'), '#partition-tiles .tile'),
    'partitions': Page(_at('/partitions'), '#partitions [data-key]'),
    'partition': Page(_partition, '#partition-events [data-event]'),
    'sinks': Page(_at('/sinks'), '#sinks [data-key]'),
    'live-executors': Page(_at('/live'), '#live-finished td'),
    'live-arrange': Page(_at('/live?tab=arrange'), '#live-arranged td'),
    'live-collect': Page(_at('/live?tab=collect'), '#live-collected td'),
    'history': Page(_at('/history'), '#history-events [data-event]'),
    'history-failures': Page(
        _at('/history?event=task_failed&event=dlq_sent'), '#event-types[open]'
    ),
    'history-empty': Page(_at('/history?partition=999'), '#history-empty'),
    'metrics': Page(_at('/debug?tab=metrics'), '#metrics [data-metric]'),
    'trace': Page(_trace, '#trace-events [data-event]'),
    'trace-nothing': Page(_at('/debug?tab=trace&q=req-nowhere'), '#trace-not-found'),
    'databases': Page(_at('/debug?tab=databases'), '#databases [data-file]'),
    'periodic': Page(_at('/debug?tab=periodic'), '#periodic [data-method]'),
    'cache': Page(_at('/debug?tab=cache'), '#tab-cache'),
    'probe': Page(_at('/debug?tab=probe'), '#probe-form'),
    'task': Page(_task('ok'), '#task-status'),
    'task-failed': Page(_task('fail'), '#task-status[data-state=failed]'),
    'task-retried': Page(_task('retry'), '#task-runs'),
    'task-running': Page(_task('wait'), '#task-status[data-state=running]'),
    'task-hostile': Page(_task('hostile'), '#task-status'),
    'task-unknown': Page(_at('/task/nobody-1'), '.empty'),
    'missing': Page(_at('/nowhere'), '.empty'),
}
