"""The options of a connection to Kafka, shared by the source, the dead letter queue and sinks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validates_schema

from drakkar.config import option
from drakkar.config.option import OptionSchema

_LOGIN = ('sasl_username', 'sasl_password')
_OF_CERTIFICATE = ('tls_key_file', 'tls_key_password')
_TLS = ('tls_ca_file', 'tls_cert_file', *_OF_CERTIFICATE)


class KafkaClientOptions(OptionSchema):
    """A connection to a Kafka cluster. A subclass may declare `brokers` anew, as optional."""

    brokers = option.List(
        required=True, description='Brokers to ask for the cluster, `host:port`; some are enough.'
    )
    client_id = option.Str(
        default='',
        description='Name of this client in logs and quotas of the brokers. Empty: that of the '
        'worker.',
    )
    security_protocol = option.Choice(
        ('PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'),
        default='PLAINTEXT',
        description='Whether the connection is encrypted (`SSL`) and whether a user logs in '
        '(`SASL`).',
    )
    tls_ca_file = option.Path(
        default='',
        description='Certificates (PEM) that brokers are checked against. Empty: those of the '
        'system.',
    )
    tls_cert_file = option.Path(
        default='', description='Certificate (PEM) to show to brokers that ask for one.'
    )
    tls_key_file = option.Path(
        default='', description='Its private key (PEM), where it is not in the same file.'
    )
    tls_key_password = option.Secret(default='', description='Password of the private key.')
    tls_verify = option.Bool(
        default=True,
        description='Whether the certificate and the host name of brokers are checked.',
    )
    sasl_mechanism = option.Choice(
        ('PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'),
        default='PLAIN',
        description='How the user logs in, for the protocols with `SASL`.',
    )
    sasl_username = option.Str(default='', description='User to log in as.')
    sasl_password = option.Secret(default='', description='Password of the user.')
    connect_timeout_seconds = option.Float(
        default=15,
        min=0.1,
        unit='seconds',
        description='How long brokers are tried at the start before the worker gives up.',
    )
    request_timeout_ms = option.Int(
        default=30000,
        min=1000,
        unit='milliseconds',
        description='How long an answer of a broker is waited for.',
    )

    @staticmethod
    def problem(values: Mapping[str, Any]) -> str:
        """Return what is wrong with the security options among `values`, or an empty text.

        Options that a protocol does not use are refused: whoever sets them expects a protection
        that is not there.
        """
        protocol = values['security_protocol']
        given = [name for name in (*_LOGIN, *_TLS) if values[name]]
        if protocol.startswith('SASL'):
            missing = [name for name in _LOGIN if not values[name]]
            if missing:
                return f'security_protocol {protocol} needs {missing[0]}'
        elif given and given[0] in _LOGIN:
            return f'{given[0]} needs security_protocol SASL_SSL or SASL_PLAINTEXT, not {protocol}'
        if not protocol.endswith('SSL') and given and given[-1] in _TLS:
            return f'{given[-1]} needs security_protocol SSL or SASL_SSL, not {protocol}'
        if given and given[-1] in _OF_CERTIFICATE and not values['tls_cert_file']:
            return f'{given[-1]} needs tls_cert_file'
        return ''

    @validates_schema
    def _check_security(self, values: dict[str, Any], **kwargs: Any) -> None:
        # Without brokers, what is missing comes with those of another section.
        problem = self.problem(values) if values.get('brokers') else ''
        if problem:
            raise ValidationError(problem)
