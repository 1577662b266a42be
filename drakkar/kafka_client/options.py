"""The options of a connection to Kafka, shared by the source, the dead letter queue and sinks."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, validates_schema

from drakkar.config import option
from drakkar.config.option import OptionSchema


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

    @validates_schema
    def _check_login(self, values: dict[str, Any], **kwargs: Any) -> None:
        protocol = values['security_protocol']
        if protocol.startswith('SASL') and not values['sasl_username']:
            raise ValidationError(f'security_protocol {protocol} needs sasl_username')
