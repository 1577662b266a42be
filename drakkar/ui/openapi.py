"""The OpenAPI document, made of the routes: what is served and what is described are one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drakkar._version import __version__
from drakkar.ui.routes import Parameter, Route
from drakkar.ui.schema import TEXT, record

_ERROR = record(status=TEXT, error=TEXT, hint=TEXT)
_HTML = {'text/html': {'schema': TEXT}}


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of these routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(route)
    return {
        'openapi': '3.1.0',
        'info': {
            'title': 'Drakkar debug UI',
            'version': __version__,
            'description': 'What a worker knows of itself. Times are seconds since the epoch, '
            'durations are seconds.',
        },
        'paths': paths,
        'components': {
            'schemas': {'Error': _ERROR},
            'securitySchemes': {
                'bearer': {'type': 'http', 'scheme': 'bearer'},
                'query': {'type': 'apiKey', 'in': 'query', 'name': 'token'},
            },
        },
        'security': [{'bearer': []}, {'query': []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        'summary': route.summary,
        'parameters': [*_path_parameters(route), *map(_query_parameter, route.query)],
        'responses': {'200': _answer(route), 'default': _error()},
    }
    if route.body is not None:
        content = {'application/json': {'schema': route.body}}
        operation['requestBody'] = {'required': True, 'content': content}
    if route.public:
        operation['security'] = []
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {'name': name, 'in': 'path', 'required': True, 'schema': {'type': kind}}
        for name, kind in route.placeholders
    ]


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {'type': parameter.type}
    if parameter.repeated:
        schema = {'type': 'array', 'items': schema}
    if parameter.default is not None:
        schema['default'] = parameter.default
    return {
        'name': parameter.name,
        'in': 'query',
        'description': parameter.description,
        'schema': schema,
    }


def _answer(route: Route) -> dict[str, Any]:
    if route.returns is None:
        return {'description': 'A page, or a file.', 'content': _HTML}
    return {
        'description': route.summary,
        'content': {'application/json': {'schema': route.returns}},
    }


def _error() -> dict[str, Any]:
    schema = {'$ref': '#/components/schemas/Error'}
    return {'description': 'An error.', 'content': {'application/json': {'schema': schema}}}
