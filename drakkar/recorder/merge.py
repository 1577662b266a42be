"""Several recorder files in one, each row once, with the worker it comes from."""

from __future__ import annotations

import itertools
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from drakkar import jsonio
from drakkar._version import __version__
from drakkar.errors import DrakkarError
from drakkar.readonly import UnreadableError, address, is_closed, reading
from drakkar.recorder import queries
from drakkar.recorder.databases import MERGED_PREFIX
from drakkar.recorder.merged import KEY, create_stage, create_tables, index_tables
from drakkar.recorder.tables import FORMAT, EventRow
from drakkar.recorder.unfinished import publish, sweep, unfinished

Progress = Callable[[int, int], None]

_CHUNK_ROWS = 20_000
_FIELDS = ', '.join(EventRow._fields)


class MergeError(DrakkarError):
    """Nothing was merged; the text has a line for each file that is the reason."""


@dataclass(slots=True)
class Merged:
    """What a merge made. `duplicates` are rows that came more than once; `skipped` were broken."""

    path: Path
    files: int = 0
    events: int = 0
    duplicates: int = 0
    workers: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Input:
    path: Path
    workers: list[str]
    is_merged: bool
    events: int
    started_at: float


class _BrokenInputError(Exception):
    """A file that could be opened can not be read to its end; the text names it."""

    def __init__(self, each: _Input, problem: str) -> None:
        self.input = each
        super().__init__(problem)


def default_name(now: float | None = None) -> str:
    """Return the name of a file that is merged now, in UTC."""
    moment = time.gmtime(time.time() if now is None else now)
    return f'{MERGED_PREFIX}{time.strftime("%Y-%m-%d__%H_%M_%S", moment)}.db'


def merge(
    paths: Sequence[str | os.PathLike[str]],
    target: str | os.PathLike[str],
    *,
    progress: Progress | None = None,
    skip_broken: bool = False,
) -> Merged:
    """Write all events of `paths` (live, closed or merged files) to the new file `target`.

    In a folder as `target` it gets a name of its own, `merged-TIME.db`. Rows are in
    order of time and keep their worker (`worker`) and their first id (`source_id`);
    equal ones, by worker, id and time, are kept once. The file appears when it is
    complete, and replaces nothing. `progress` hears of steps done and to do, and may
    raise to end it. Blocks: for native threads. Raises MergeError.
    """
    target = Path(target)
    folder, names = _place(target)
    sweep(folder)
    result = Merged(target)
    inputs = _checked(paths, result, skip_broken)
    while True:
        try:
            with unfinished(folder) as (part, stage):
                _write(part, stage, inputs, result, progress or (lambda _done, _all: None))
                _sync(part)
                result.path = publish(part, names)
                return result
        except FileExistsError:
            raise _taken(target) from None
        except (sqlite3.Error, OSError) as error:
            raise MergeError(f'{target}: {_reason(error)}') from error
        except _BrokenInputError as error:
            if not skip_broken or len(inputs) == 1:
                raise MergeError(str(error)) from error
            # Nothing is taken back in a database without a journal, so from the beginning.
            inputs.remove(error.input)
            result.skipped[error.input.path.name] = str(error)
            _count(inputs, result)


def _place(target: Path) -> tuple[Path, Iterator[Path]]:
    """Return the folder that is written to, and the names that the new file may have."""
    if target.is_dir():
        return target, _numbered(target, default_name())
    if os.path.lexists(target):
        raise _taken(target)
    folder = target.absolute().parent
    if not folder.is_dir():
        raise MergeError(f'{target.parent} is no folder')
    return folder, iter([target])


def _numbered(folder: Path, name: str) -> Iterator[Path]:
    """Yield the name as it is, then with numbers."""
    yield folder / name
    for number in itertools.count(2):
        yield folder / f'{name.removesuffix(".db")}_{number}.db'


def _taken(target: Path) -> MergeError:
    return MergeError(f'{target} exists already; a merge overwrites nothing')


def _checked(
    paths: Sequence[str | os.PathLike[str]], result: Merged, skip_broken: bool
) -> list[_Input]:
    """Return the readable files, each once, the oldest worker first."""
    inputs, problems = [], {}
    for path in dict.fromkeys(Path(os.path.realpath(p)) for p in paths):
        try:
            inputs.append(_examined(path))
        except UnreadableError as error:
            problems[path.name] = str(error)
    if problems and not (skip_broken and inputs):
        raise MergeError('\n'.join(problems.values()))
    if not inputs:
        raise MergeError('there is nothing to merge: name recorder files')
    result.skipped = problems
    _count(inputs, result)
    return sorted(inputs, key=lambda each: each.started_at)


def _count(inputs: Sequence[_Input], result: Merged) -> None:
    result.files, result.events = len(inputs), 0
    result.workers = sorted({worker for each in inputs for worker in each.workers})


def _examined(path: Path) -> _Input:
    with reading(path) as connection:
        said = queries.worker_config(connection)
        names = queries.workers(connection)
        between = queries.time_range(connection)
    if said.get('format', FORMAT) > FORMAT:
        raise UnreadableError(f'{path.name}: was written by a newer version of Drakkar')
    if not all(names):
        raise UnreadableError(f'{path.name}: does not say which worker wrote it')
    started = said.get('started_at')
    return _Input(
        path,
        names,
        bool(said.get('merged')),
        between['events'],
        float(started) if isinstance(started, (int, float)) else between['from'] or 0.0,
    )


def _write(
    part: Path, stage: Path, inputs: list[_Input], result: Merged, progress: Progress
) -> None:
    total = 2 * sum(each.events for each in inputs)  # each row is staged, then put in order
    done = 0
    # Nobody sees these files before they are complete, so they need no journal.
    with closing(
        sqlite3.connect(f'file:{quote(str(part))}', uri=True, isolation_level=None)
    ) as connection:
        connection.execute('ATTACH ? AS stage', (str(stage),))
        for name in ('main', 'stage'):
            connection.execute(f'PRAGMA {name}.journal_mode = off')
            connection.execute(f'PRAGMA {name}.synchronous = off')
        create_tables(connection)
        create_stage(connection)
        for each in inputs:
            for count in _staged(connection, each):
                done += count
                progress(min(done, total), total)
        for count in _ordered(connection):
            result.events += count
            progress(min(total // 2 + result.events, total), total)
        result.duplicates = done - result.events
        _describe(connection, inputs)
        index_tables(connection)
        progress(total, total)


def _staged(connection: sqlite3.Connection, each: _Input) -> Iterator[int]:
    """Copy the rows of one file that are not there yet; yield how many were looked at."""
    try:
        connection.execute(
            'ATTACH ? AS source', (address(each.path, immutable=is_closed(each.path)),)
        )
        # One transaction sees one state of a file that is still written to.
        connection.execute('BEGIN')
        origin = 'worker, source_id' if each.is_merged else '?, id'
        sql = (
            f'INSERT OR IGNORE INTO stage.events (worker, source_id, {_FIELDS}) SELECT {origin},'
            f' {_FIELDS} FROM source.events WHERE id >= ? AND id < ?'
        )
        worker = () if each.is_merged else (each.workers[0],)
        first, last = connection.execute(
            'SELECT (SELECT min(id) FROM source.events), (SELECT max(id) FROM source.events)'
        ).fetchone()
        for low in range(first or 0, (last or -1) + 1, _CHUNK_ROWS):
            connection.execute(sql, (*worker, low, low + _CHUNK_ROWS))
            yield min(_CHUNK_ROWS, last + 1 - low)
        _copy_workers(connection, each)
        connection.execute('COMMIT')
        connection.execute('DETACH source')
    except sqlite3.Error as error:
        # The statement reads and writes: which of the two failed is found out by reading alone.
        problem = _problem(each.path)
        if problem:
            raise _BrokenInputError(each, problem) from error
        raise


def _problem(path: Path) -> str:
    """Return why a file can not be read to its end, empty where it can."""
    try:
        with reading(path) as connection:
            for table in ('events', 'worker_config', 'worker_state'):
                for _ in connection.execute(f'SELECT * FROM {table}'):
                    continue
    except UnreadableError as error:
        return str(error)
    return ''


def _copy_workers(connection: sqlite3.Connection, each: _Input) -> None:
    worker, values = ('worker', ()) if each.is_merged else ('?', (each.workers[0],))
    connection.execute(
        f'INSERT OR REPLACE INTO worker_config (worker, key, value) SELECT {worker}, key, value'
        ' FROM source.worker_config' + (" WHERE worker <> ''" if each.is_merged else ''),
        values,
    )
    connection.execute(
        f'INSERT OR IGNORE INTO worker_state (worker, ts, state) SELECT {worker}, ts, state'
        ' FROM source.worker_state ORDER BY id',
        values,
    )


def _ordered(connection: sqlite3.Connection) -> Iterator[int]:
    """Move the staged rows to their table in order of time; yield how many were moved."""
    names = f'worker, source_id, {_FIELDS}'
    sql = (
        f'INSERT INTO events ({names}) SELECT {names} FROM stage.events'
        f' WHERE ({KEY}) > (?, ?, ?) ORDER BY {KEY} LIMIT {_CHUNK_ROWS}'
    )
    reached = (-1e300, '', 0)
    while count := connection.execute(sql, reached).rowcount:
        reached = connection.execute(
            f'SELECT {KEY} FROM events ORDER BY id DESC LIMIT 1'
        ).fetchone()
        yield count


def _describe(connection: sqlite3.Connection, inputs: list[_Input]) -> None:
    """Say in the file what it is itself, as rows of no worker."""
    said = {
        'format': FORMAT,
        'merged': True,
        'version': __version__,
        'merged_at': time.time(),
        'sources': [each.path.name for each in inputs],
    }
    connection.executemany(
        "INSERT OR REPLACE INTO worker_config (worker, key, value) VALUES ('', ?, ?)",
        [(key, jsonio.dumps(value)) for key, value in said.items()],
    )


def _reason(error: sqlite3.Error | OSError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error)
    return f'no space left for it ({text})' if 'is full' in text else text


def _sync(path: Path) -> None:
    with path.open('rb') as file:
        os.fsync(file.fileno())
