"""The recorder files of the shared folder, and merging some of them."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import quote

from drakkar.readonly import in_thread
from drakkar.recorder.databases import Databases, NoSuchDatabaseError, RecorderFile
from drakkar.recorder.merge import Merged, MergeError, merge
from drakkar.ui import slices
from drakkar.ui.context import UiContext
from drakkar.ui.errors import HttpError
from drakkar.ui.merging import Merging
from drakkar.ui.schema import BOOLEAN, INTEGER, NUMBER, TEXT, listing, maybe, record

MAX_MERGED_FILES = 100
MAX_BYTES = 4 << 30
# A merge writes each row twice for a while; a full disk would stop the recorder too.
_SPACE_FACTOR = 3

FILE = record(
    name=TEXT,
    worker=TEXT,
    cluster=TEXT,
    start=maybe(NUMBER),
    end=maybe(NUMBER),
    events=INTEGER,
    size=INTEGER,
    modified=NUMBER,
    live=BOOLEAN,
    merged=BOOLEAN,
    problem=TEXT,
    url=TEXT,
)
MERGE = record(done=INTEGER, total=INTEGER, files=INTEGER, started_at=NUMBER)
DATABASES = record(folder=TEXT, databases=listing(FILE), merging=maybe(MERGE))
MERGED = record(
    name=TEXT,
    url=TEXT,
    files=INTEGER,
    events=INTEGER,
    duplicates=INTEGER,
    workers=listing(TEXT),
)


def databases(context: UiContext) -> dict[str, Any]:
    """Return the files of the folder, the newest first, and a merge that is under way."""
    merging = context.merger.current
    return {
        'folder': str(context.databases.folder or ''),
        'databases': slices.each(_row, context.databases.find()),
        'merging': merging
        and {
            'done': merging.done,
            'total': merging.total,
            'files': merging.files,
            'started_at': merging.started_at,
        },
    }


def merge_files(context: UiContext, names: list[str]) -> dict[str, Any]:
    """Merge files of the folder into a new one there. Raises HttpError; waits until it is over."""
    folder = context.databases.folder
    if folder is None:
        raise HttpError(404, '[debug] db_dir is empty: there are no files')
    paths = _paths(context.databases, names)
    _check_size(folder, paths)
    with context.merger.begin(len(paths)) as merging:
        try:
            done = in_thread(_merge, paths, folder, merging)
        except MergeError as error:
            raise HttpError(422, str(error), 'invalid_request') from error
    return {
        'name': done.path.name,
        'url': _url(done.path.name),
        'files': done.files,
        'events': done.events,
        'duplicates': done.duplicates,
        'workers': done.workers,
    }


def _merge(paths: list[Path], folder: Path, merging: Merging) -> Merged:
    return merge(paths, folder, progress=merging.heard)


def _paths(files: Databases, names: list[str]) -> list[Path]:
    if not 1 <= len(names) <= MAX_MERGED_FILES:
        raise HttpError(422, f'names: expected 1 to {MAX_MERGED_FILES} files', 'invalid_request')
    try:
        return [files.path(name) for name in names]
    except NoSuchDatabaseError as error:
        raise HttpError(404, str(error)) from None


def _check_size(folder: Path, paths: list[Path]) -> None:
    size = in_thread(_size, paths)
    if size > MAX_BYTES:
        raise HttpError(
            413,
            f'these files have {size:,} bytes, more than the {MAX_BYTES:,} that the UI merges;'
            ' use `drakkar merge`',
        )
    free = in_thread(shutil.disk_usage, folder).free
    if free < _SPACE_FACTOR * size:
        raise HttpError(507, f'it needs {_SPACE_FACTOR * size:,} bytes, only {free:,} are free')


def _size(paths: list[Path]) -> int:
    total = 0
    for path in paths:
        with contextlib.suppress(OSError):  # retention has just taken it away: the merge says so
            total += path.stat().st_size
    return total


def _row(file: RecorderFile) -> dict[str, Any]:
    names = ('name', 'worker', 'cluster', 'start', 'end', 'events', 'size', 'modified')
    return {
        **{name: getattr(file, name) for name in (*names, 'live', 'merged', 'problem')},
        'url': _url(file.name),
    }


def _url(name: str) -> str:
    return f'/api/databases/{quote(name)}'
