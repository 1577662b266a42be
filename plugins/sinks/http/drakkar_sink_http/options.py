"""The options of `[sinks.http.NAME]`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, validates_schema

import drakkar.api as dk
from drakkar_sink_http.guard import forbidden_host
from drakkar_sink_http.headers import Headers, reserved


def _not_metadata(url: str) -> None:
    if forbidden_host(urlsplit(url).hostname or ''):
        raise ValidationError('the address of a cloud metadata service is not allowed')


class HttpOptions(dk.OptionSchema):
    """Sends each payload as a request to `url`."""

    url = dk.option.Url(
        required=True,
        schemes=('http', 'https'),
        validate=_not_metadata,
        description='Where requests go; the path of a payload is appended.',
    )
    method = dk.option.Choice(
        ('POST', 'PUT', 'PATCH', 'DELETE'), default='POST', description='Method of the requests.'
    )
    headers = Headers(description='Headers of every request. Values that look secret are masked.')
    encoding = dk.option.Choice(
        ('json', 'form'), default='json', description='How the data of a payload is written.'
    )
    batch = dk.option.Choice(
        ('single', 'lines', 'array'),
        default='single',
        description='What is in one request: a `single` payload, or all of one delivery that have '
        'the same path and headers, as `lines` of JSON or as one JSON `array`.',
    )
    concurrency = dk.option.Int(
        default=8, min=1, max=256, unit='requests', description='Requests under way at a time.'
    )
    timeout_seconds = dk.option.Float(
        default=10,
        min=0.001,
        unit='seconds',
        description='Longest time for one request, from connecting to the last byte of the answer. '
        'Also the longest wait that the server may ask for by Retry-After.',
    )
    max_retries = dk.option.Int(
        default=2,
        min=0,
        description='How often a request is repeated within one delivery when the server '
        'did nothing: it was not reached, closed an idle connection, or answered 408, 425, 429 '
        'or 503. All other failures are retried as those of any sink.',
    )
    idempotency_key_header = dk.option.Str(
        default='',
        description='Header that carries a key derived from the payload, the same in every retry, '
        'such as Idempotency-Key; the sink then counts as idempotent. Empty sends none.',
    )
    follow_redirects = dk.option.Bool(
        default=False,
        description='Whether 307 and 308 are followed. Another host gets none of the headers.',
    )
    verify_tls = dk.option.Bool(
        default=True, description="Whether the server's certificate is checked."
    )
    ca_file = dk.option.Path(
        default=None, description='File with the authorities to trust instead of the usual ones.'
    )

    @validates_schema
    def _check(self, values: dict[str, Any], **kwargs: Any) -> None:
        taken = reserved(values['headers'])
        if taken:
            raise ValidationError(f'headers: the sink itself sets {", ".join(taken)}')
        if values['batch'] == 'single':
            return
        if values['encoding'] == 'form':
            raise ValidationError(f'batch = {values["batch"]} needs encoding = json, not form')
        if values['idempotency_key_header']:
            raise ValidationError(
                f'batch = {values["batch"]} goes without idempotency_key_header: a retry may be '
                'made of other payloads, so it has no key of its own'
            )
