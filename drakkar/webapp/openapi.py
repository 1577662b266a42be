"""The description of the endpoint in OpenAPI 3.1, made of the handler's schemas."""

from __future__ import annotations

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import RAISE, Schema, fields

from drakkar._version import __version__

OPENAPI_VERSION = '3.1.0'
_BEARER = 'bearer'
_TEXT = {'type': 'string'}
_NUMBER = {'type': 'number'}
_COUNT = {'type': 'integer', 'minimum': 0}


def describe(
    handler_name: str,
    path: str,
    request: Schema | None,
    response: Schema | None,
    needs_token: bool,
    may_lack_token: bool,
) -> dict[str, Any]:
    """Return the document as JSON has it.

    `request` and `response` are the handler's schemas, None for any JSON; tokens are
    needed by all clients, by some (`may_lack_token`) or by none.
    """
    spec = APISpec(
        title=f'Drakkar: {handler_name}',
        version=__version__,
        openapi_version=OPENAPI_VERSION,
        plugins=[MarshmallowPlugin(schema_name_resolver=_name)],
        info={'description': 'One request is one unit of work; the answer waits for it.'},
    )
    spec.components.schema('Error', _error_schema())
    spec.components.security_scheme(_BEARER, {'type': 'http', 'scheme': 'bearer'})
    body = _add(spec, request)
    spec.components.schema('WebReport', _report_schema(_add(spec, response)))
    security: list[dict[str, Any]] = [{_BEARER: []}] if needs_token else []
    if may_lack_token and security:
        security.append({})
    operation = {
        'summary': 'Have one request worked on.',
        'operationId': 'process',
        'security': security,
        'requestBody': {'required': True, 'content': {'application/json': {'schema': body}}},
        'responses': _responses(),
    }
    spec.path(path, operations={'post': operation})
    return spec.to_dict()


def _name(schema: Any) -> str:
    cls = schema if isinstance(schema, type) else type(schema)
    return str(cls.__name__)


def _add(spec: APISpec, schema: Schema | None) -> dict[str, Any]:
    """Describe a schema; return what refers to it."""
    if schema is None:
        return {}
    name = _name(schema)
    if name not in spec.components.schemas:
        spec.components.schema(name, schema=schema)
    _complete(spec, schema)
    return {'$ref': f'#/components/schemas/{name}'}


def _complete(spec: APISpec, schema: Schema) -> None:
    """Say what apispec does not: that unknown fields are refused, and patterns as JSON has them."""
    described = spec.components.schemas.get(_name(schema))
    if described is not None and schema.unknown == RAISE and not schema.many:
        described.setdefault('additionalProperties', False)
    for name, field in schema.fields.items():
        shown = (described or {}).get('properties', {}).get(field.data_key or name, {})
        if 'pattern' in shown:
            shown['pattern'] = shown['pattern'].replace(r'\A', '^').replace(r'\Z', '$')
        while isinstance(field, fields.List):
            field = field.inner
        if isinstance(field, fields.Nested) and not isinstance(field.schema, type(schema)):
            _complete(spec, field.schema)


def _record(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        'type': 'object',
        'properties': {**required, **(optional or {})},
        'required': list(required),
    }


def _error_schema() -> dict[str, Any]:
    return _record(
        {'status': _TEXT, 'error': _TEXT},
        {
            'hint': _TEXT,
            'errors': {'type': 'object', 'description': 'Problems by field (422).'},
            'client': _TEXT,
            'rpm_limit': _COUNT,
            'retry_after_seconds': _COUNT,
        },
    )


def _report_schema(result: dict[str, Any]) -> dict[str, Any]:
    task = {
        'task_id': _TEXT,
        'exit_code': {'type': ['integer', 'null']},
        'duration_ms': _NUMBER,
        'retries': _COUNT,
    }
    counts = dict.fromkeys(('attempted', 'delivered', 'dlq', 'errors'), _COUNT)
    by_type = {'type': 'object', 'additionalProperties': _record(counts)}
    stage = {'stage': _TEXT, 'duration_ms': _NUMBER}
    return _record(
        {
            'request_id': _TEXT,
            'client': _TEXT,
            'started_at': {'type': 'string', 'format': 'date-time'},
            'finished_at': {'type': 'string', 'format': 'date-time'},
            'duration_ms': _NUMBER,
            'status': {'enum': ['ok', 'error', 'timeout']},
            'result': {'anyOf': [result, {'type': 'null'}]} if result else {},
            'tasks': {'type': 'array', 'items': _record(task)},
            'task_summary': _record(dict.fromkeys(('total', 'success', 'failed'), _COUNT)),
            'cache': _record({'hits': _COUNT, 'misses': _COUNT}),
            'sinks': {'anyOf': [_record({'by_type': by_type}), {'type': 'null'}]},
            'timeline': {'type': 'array', 'items': _record(stage)},
            'error': {'type': ['string', 'null']},
        },
        {'hint': _TEXT},
    )


_REPORTS = {200: 'Done.', 504: 'Its time was over, and its programs were ended.'}
_ERRORS = {
    400: 'Not HTTP as it should be.',
    401: 'No token, or none of a client.',
    404: 'Another path.',
    405: 'Another method.',
    408: 'The body did not come in time.',
    413: 'The body is too long.',
    415: 'The body is not JSON.',
    422: 'The body does not fit.',
    429: 'More requests than the client may send.',
    503: 'No capacity, not started yet, or about to stop.',
}


def _responses() -> dict[str, Any]:
    report, error = ({'$ref': f'#/components/schemas/{n}'} for n in ('WebReport', 'Error'))
    answers = {str(code): _answer(text, report) for code, text in _REPORTS.items()}
    answers |= {str(code): _answer(text, error) for code, text in _ERRORS.items()}
    answers['500'] = _answer('A hook of the handler failed.', {'anyOf': [report, error]})
    retry = {'description': 'Seconds to wait.', 'schema': {'type': 'integer', 'minimum': 1}}
    answers['429']['headers'] = {'Retry-After': retry}
    answers['401']['headers'] = {'WWW-Authenticate': {'schema': _TEXT}}
    return dict(sorted(answers.items()))


def _answer(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {'description': text, 'content': {'application/json': {'schema': schema}}}
