"""Tracing messages; listing, taking away and merging recorder files."""

from __future__ import annotations

from drakkar.readonly import UnreadableError
from drakkar.recorder.copies import CopyingError, TooLargeError
from drakkar.recorder.databases import NoSuchDatabaseError
from drakkar.ui.context import UiContext
from drakkar.ui.data import databases
from drakkar.ui.data.tracing import TRACE, traced
from drakkar.ui.errors import HttpError
from drakkar.ui.request import Request
from drakkar.ui.routes import File, Json, Route
from drakkar.ui.schema import TEXT, listing, record
from drakkar.ui.tabs.trace import QUERY


def get_trace(context: UiContext, request: Request) -> Json:
    return Json(traced(context, request.text('q')))


def get_databases(context: UiContext, request: Request) -> Json:
    return Json(databases.databases(context))


def get_database(context: UiContext, request: Request) -> File:
    """Give a file away, with all that a live one holds at this moment."""
    name = request.path['name']
    try:
        path, temporary = context.databases.export(name, databases.MAX_BYTES)
    except NoSuchDatabaseError as error:
        raise HttpError(404, str(error)) from None
    except TooLargeError as error:
        raise HttpError(413, f'{error}; copy it on the machine itself') from None
    except CopyingError as error:
        raise HttpError(503, str(error), 'capacity') from None
    except UnreadableError as error:
        raise HttpError(422, str(error)) from None
    return File(path, name, 'application/vnd.sqlite3', temporary)


def post_merge(context: UiContext, request: Request) -> Json:
    """Merge files; answers when it is over."""
    body = request.json()
    names = body.get('names') if isinstance(body, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise HttpError(422, 'names: expected a list of file names', 'invalid_request')
    return Json(databases.merge_files(context, names))


ROUTES = [
    Route(
        'GET',
        '/api/trace',
        get_trace,
        'What happened to a message, from the files of all workers that share db_dir.',
        query=QUERY,
        returns=TRACE,
    ),
    Route(
        'GET',
        '/api/databases',
        get_databases,
        'Recorder files in db_dir, and a merge that is under way.',
        returns=databases.DATABASES,
    ),
    Route(
        'GET',
        '/api/databases/{name}',
        get_database,
        'Download a recorder file: an SQLite database.',
        returns={'type': 'string', 'format': 'binary'},
    ),
    Route(
        'POST',
        '/api/databases/merge',
        post_merge,
        'Merge recorder files into a new one in db_dir.',
        body=record(names=listing(TEXT)),
        returns=databases.MERGED,
    ),
]
