"""Recorded events and tasks."""

from __future__ import annotations

from drakkar.ui.context import UiContext
from drakkar.ui.data import history
from drakkar.ui.data.task import TASK, task
from drakkar.ui.request import Request
from drakkar.ui.routes import Json, Route


def get_history(context: UiContext, request: Request) -> Json:
    chosen, before = history.wanted(request), request.integer('before')
    limit = request.integer('limit', history.PAGE_ROWS, 1)
    return Json(history.history(context, chosen, before, limit, request.text('file')))


def get_counts(context: UiContext, request: Request) -> Json:
    return Json(history.counts(context, request.text('file')))


def get_task(context: UiContext, request: Request) -> Json:
    return Json(task(context, request.path['task_id']))


ROUTES = [
    Route(
        'GET',
        '/api/history',
        get_history,
        'Recorded events, the newest first; outputs are cut, a task has them whole.',
        query=history.QUERY,
        returns=history.HISTORY,
    ),
    Route(
        'GET',
        '/api/history/counts',
        get_counts,
        'How many events of each type a file has.',
        query=(history.FILE,),
        returns=history.COUNTS,
    ),
    Route('GET', '/api/task/{task_id:path}', get_task, 'One task.', returns=TASK),
]
