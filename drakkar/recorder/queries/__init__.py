"""Questions to a recorder file: functions of a connection that return plain data.

They are bounded, go by indexes and take all values as parameters. The rows of a
connection must be `sqlite3.Row`, as `drakkar.readonly.reading` opens it.
"""

from __future__ import annotations

from drakkar.recorder.queries.about import last_state, time_range, worker_config, workers
from drakkar.recorder.queries.events import MAX_LIMIT, counts_by_type, events_page
from drakkar.recorder.queries.filters import EventFilter
from drakkar.recorder.queries.tasks import TaskRows, describe_task, task, task_rows

__all__ = [
    'MAX_LIMIT',
    'EventFilter',
    'TaskRows',
    'counts_by_type',
    'describe_task',
    'events_page',
    'last_state',
    'task',
    'task_rows',
    'time_range',
    'worker_config',
    'workers',
]
