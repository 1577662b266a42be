"""The `[webapp]` section and its clients: the synchronous HTTP endpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, post_load, validates, validates_schema

from drakkar.config import option
from drakkar.config.option import OptionSchema
from drakkar.config.values import Options

ANONYMOUS = 'anonymous'
# What a header field can carry as `Bearer TOKEN` without quoting: RFC 6750, section 2.1, and more.
_TOKEN = re.compile(r'[\x21-\x7e]*')
_PATH = re.compile(r'/[A-Za-z0-9._~/-]*')
OPENAPI_PATH = '/openapi.json'


class ClientOptions(OptionSchema):
    """Who may use the endpoint, one section a client. Without any: `anonymous`."""

    token = option.Secret(
        default='',
        description='What the client sends as `Authorization: Bearer TOKEN`, in ASCII and without '
        'blanks. Empty: whoever sends none is this client.',
    )
    rpm = option.Int(
        default=4,
        min=1,
        max=1_000_000,
        unit='requests',
        description='Most requests in any 60 seconds; more are answered with 429.',
    )

    @validates('token')
    def _check_token(self, value: str, **kwargs: Any) -> None:
        if not _TOKEN.fullmatch(value):
            raise ValidationError('a token is made of visible ASCII characters, without blanks')


class WebappOptions(OptionSchema):
    """The synchronous HTTP endpoint, answered by the same handler."""

    enabled = option.Bool(default=False, description='Whether HTTP requests are served.')
    host = option.Str(
        default='127.0.0.1',
        description='Address of the endpoint; `0.0.0.0` for all of this machine.',
    )
    port = option.Int(
        default=8090, min=0, max=65535, description='Port of the endpoint. 0: any free one.'
    )
    path = option.Str(
        default='/process', description='Path of the endpoint; the others are not found.'
    )
    sinks_enabled = option.Bool(
        default=False,
        description='Whether requests go on to `on_task_complete`, `on_message_complete` and the '
        'sinks, as messages do. The answer waits for them.',
    )
    request_timeout_seconds = option.Float(
        default=30,
        min=0.001,
        max=86_400,
        unit='seconds',
        description='Time for one request; then its programs are ended, and the answer is 504.',
    )
    max_concurrent = option.Int(
        default=64,
        min=1,
        max=10_000,
        unit='requests',
        description='Most requests under way; more are answered with 503.',
    )
    max_body_bytes = option.Int(
        default=10 * 1024 * 1024,
        min=1,
        unit='bytes',
        description='Longest body of a request; longer ones are answered with 413.',
    )
    clients = option.NamedSections(ClientOptions)

    @validates('path')
    def _check_path(self, value: str, **kwargs: Any) -> None:
        if not _PATH.fullmatch(value):
            raise ValidationError(
                'a path begins with / and is made of letters, digits and . _ ~ - and /'
            )
        if value == OPENAPI_PATH:
            raise ValidationError('this is where the description of the endpoint is served')

    @validates_schema
    def _check_clients(self, values: Mapping[str, Any], **kwargs: Any) -> None:
        names: dict[str, list[str]] = {}
        for name, client in values['clients'].items():
            names.setdefault(client.token, []).append(f'[webapp.clients.{name}]')
        for token, sections in names.items():
            if len(sections) > 1 and token:
                raise ValidationError(f'{" and ".join(sections)} have the same token')
            if len(sections) > 1:
                raise ValidationError(
                    f'{" and ".join(sections)} have no token; only one client may have none'
                )

    @post_load
    def _to_options(self, values: dict[str, Any], **kwargs: Any) -> Options:
        options: Options = super()._to_options(values, **kwargs)
        if not options.clients:
            defaults = ClientOptions().load({})
            options.clients = {ANONYMOUS: defaults}
        return options
