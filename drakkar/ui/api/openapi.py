"""`/api/openapi.json`: all routes, described."""

from __future__ import annotations

from drakkar.ui.context import UiContext
from drakkar.ui.request import Request
from drakkar.ui.routes import Json, Route
from drakkar.ui.schema import ANY, TEXT, mapping, record


def get_document(context: UiContext, request: Request) -> Json:
    # Not at the top: app.py imports this module to know its routes.
    from drakkar.ui.app import all_routes
    from drakkar.ui.openapi import document

    return Json(document(all_routes()))


ROUTES = [
    Route(
        'GET',
        '/api/openapi.json',
        get_document,
        'This document.',
        returns=record(
            openapi=TEXT,
            info=mapping(TEXT),
            paths=mapping(ANY),
            components=mapping(ANY),
            security={'type': 'array', 'items': mapping(ANY)},
        ),
    )
]
