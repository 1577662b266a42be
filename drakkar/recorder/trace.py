"""What happened to a message, in every file that may know: now, at the peers, and in the past."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from drakkar.errors import DrakkarError
from drakkar.readonly import OutOfTimeError, in_thread, reading
from drakkar.recorder import queries
from drakkar.recorder.databases import Databases
from drakkar.recorder.queries import traces
from drakkar.recorder.queries.rows import details
from drakkar.recorder.targets import MessageAt, Named

T = TypeVar('T')

DEADLINE_SECONDS = 8.0
MAX_PLACES = 200
# Messages and requests that one label is followed to.
MAX_TARGETS = 20
MAX_ROWS = 2000

Ask = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to ask: `ask(fn, *args)` returns `fn(connection, *args)`."""

    name: str
    worker: str
    live: bool
    ask: Ask


@dataclass(slots=True)
class Search:
    """One search over places, bounded in time; keeps what went wrong beside the result."""

    places: Sequence[Place]
    deadline: float
    problems: dict[str, str] = field(default_factory=dict)
    complete: bool = True

    def each(self, fn: Callable[..., T], *args: Any) -> Iterator[tuple[Place, T]]:
        """Yield every place with its answer. A broken place is noted and passed over."""
        for place in self.places:
            if place.name in self.problems:
                continue
            if time.monotonic() > self.deadline:
                self.complete = False
                return
            try:
                answer = place.ask(fn, *args)
            except OutOfTimeError as error:
                self.problems[place.name] = str(error)
                self.complete = False
            except DrakkarError as error:
                self.problems[place.name] = str(error)
            else:
                yield place, answer


def places(
    databases: Databases,
    deadline: float,
    *,
    read: Ask | None = None,
    current: Path | None = None,
    worker: str = '',
) -> list[Place]:
    """Return where to ask, in this order: `read` (the own recorder), live files, older ones.

    `current` is the own file, which `read` stands for. Merged files come last: what
    is in them is mostly elsewhere too.
    """
    found = []
    if read is not None:
        found.append(Place(current.name if current else 'memory', worker, True, read))
    # By name: to resolve thousands of paths here would keep the event loop.
    own = None if read is None or current is None else current.name
    files = [file for file in databases.find() if file.name != own]
    files.sort(key=lambda file: (not file.live, file.merged))  # stable: the newest first
    for file in files[:MAX_PLACES]:
        found.append(Place(file.name, file.worker, file.live, _asks(file.path, deadline)))
    return found


def _asks(path: Path, deadline: float) -> Ask:
    def ask(fn: Callable[..., T], *args: Any) -> T:
        return ask_file(path, deadline, fn, *args)

    return ask


def ask_file(path: Path, deadline: float, fn: Callable[..., T], *args: Any) -> T:
    """Return `fn(connection, *args)` over a file, from a native thread. Raises UnreadableError."""
    return in_thread(_ask, path, deadline, fn, args)


def _ask(path: Path, deadline: float, fn: Callable[..., T], args: tuple[Any, ...]) -> T:
    with reading(path, deadline) as connection:
        return fn(connection, *args)


def trace(target: MessageAt | Named, search: Search) -> dict[str, Any]:
    """Return every row that concerns what `target` names, in order of time.

    `rows` have their `worker` and `file`, and `after`, the seconds since the first.
    `messages` and `requests` are what was followed, `searched` the files that had
    rows, `problems` those that could not be read; `complete` is false when the time
    was over first, `more` true when a name stands for more than was followed.
    """
    wanted = _resolved(target, search)
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for topic, partition, offset in wanted['messages']:
        for place, found in search.each(traces.message_rows, partition, offset, topic):
            _keep(rows, place, found)
    for request in wanted['requests']:
        for place, found in search.each(traces.request_rows, request):
            _keep(rows, place, found)
    ordered = sorted(rows.values(), key=lambda row: (row['ts'], row['worker'], row['id']))
    first = ordered[0]['ts'] if ordered else 0.0
    for row in ordered:
        row['after'] = row['ts'] - first
    return {
        'target': str(target),
        'found': bool(ordered),
        'messages': [str(MessageAt(p, o, t)) for t, p, o in wanted['messages']],
        'requests': wanted['requests'],
        'rows': ordered[:MAX_ROWS],
        'more': wanted['more'] or len(ordered) > MAX_ROWS,
        'files': list(dict.fromkeys(row['file'] for row in ordered)),
        'searched': len(search.places),
        'problems': [{'file': n, 'problem': p} for n, p in search.problems.items()],
        'complete': search.complete,
    }


def find_task(task_id: str, search: Search) -> dict[str, Any] | None:
    """Return a task as `queries.describe_task` does, from all files that know it.

    A run may have begun in one file and ended in the next, or on another worker.
    The newest are asked first, so the search ends where its first run began. What was
    running when its worker died is `unfinished`.
    """
    rows = queries.TaskRows()
    for place, found in search.each(queries.task_rows, task_id):
        for row in (*found.own, *found.near):
            row['worker'] = row.get('worker') or place.worker
        rows.own += found.own
        rows.near += found.near
        if any(map(_begins, found.own)):
            break
    for each in (rows.own, rows.near):
        each.sort(key=lambda row: row['ts'])
    task = queries.describe_task(task_id, rows)
    alive = {place.worker for place in search.places if place.live}
    if task and task['status'] in ('running', 'retrying') and task['worker'] not in alive:
        task['status'] = 'unfinished'
    return task


def _begins(row: dict[str, Any]) -> bool:
    said = details(row)
    return row['event'] == 'task_started' and said.get('attempt', 1) == 1


def _resolved(target: MessageAt | Named, search: Search) -> dict[str, Any]:
    if isinstance(target, MessageAt):
        place = (target.topic, target.partition, target.offset)
        return {'messages': [place], 'requests': [], 'more': False}
    messages: dict[tuple[str, int, int], None] = {}
    requests: dict[str, None] = {}
    more = False
    for _, found in search.each(traces.named, target.value, target.key, MAX_TARGETS):
        messages.update(dict.fromkeys(found['messages']))
        requests.update(dict.fromkeys(found['requests']))
        more = more or found['more']
        if len(messages) + len(requests) > MAX_TARGETS:
            more = True
            break
    return {
        'messages': list(messages)[:MAX_TARGETS],
        'requests': list(requests)[:MAX_TARGETS],
        'more': more,
    }


def _keep(
    rows: dict[tuple[Any, ...], dict[str, Any]], place: Place, found: list[dict[str, Any]]
) -> None:
    for row in found:
        row['worker'] = row.get('worker') or place.worker
        row['file'] = place.name
        # The same row may come again from a merged file.
        key = (row['worker'], row.pop('source_id', None) or row['id'], row['ts'])
        rows.setdefault(key, row)
