"""Makes consumers, producers and admin clients out of one section's options."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from drakkar.errors import AccessRefusedError, ConnectError
from drakkar.kafka_client.probe import why_not
from drakkar.kafka_client.tls import tls_context

if TYPE_CHECKING:
    from kafka import KafkaProducer
    from kafka.admin import KafkaAdminClient

# kafka-python is imported by what connects: most commands and plugins never do.

T = TypeVar('T')

# How often a broker that is away is tried; kafka-python's own 30 s would delay the recovery.
_RECONNECT_MAX_MS = 2000
# New topics and partitions are noticed within this time; no error shows them.
_METADATA_MAX_AGE_MS = 10_000
_GIVE_UP_SECONDS = 1.0
_REFUSALS = '_drakkar_refusals'


@dataclass(frozen=True, slots=True)
class KafkaClient:
    """How to reach one cluster. Each call connects and returns a client, which its owner closes.

    It raises ConnectError where that fails: AccessRefusedError where it would fail again.

    `section` is named in errors, unless it is empty; `options` are those of a KafkaClientOptions;
    `client_id` is used where they name none.
    """

    section: str
    options: Any
    client_id: str

    def consumer(self, kind: type[T], **config: Any) -> T:
        """Return a consumer of class `kind`, a KafkaConsumer. Raises ConnectError."""
        return self._make(kind, {'metrics_enabled': False, **config})

    def producer(self, **config: Any) -> KafkaProducer:
        """Return a producer: idempotent, acknowledged by all replicas. Raises ConnectError."""
        from kafka import KafkaProducer

        defaults = {'acks': 'all', 'enable_idempotence': True, 'metrics_enabled': False}
        return self._make(KafkaProducer, {**defaults, **config})

    @staticmethod
    def give_up(producer: KafkaProducer) -> None:
        """Close a producer with all that it still holds: nothing is sent after this."""
        from kafka.errors import KafkaError

        # Its own close() would first wait for the records, and stay open when they do not go.
        producer._sender.force_close()
        producer._sender.join(_GIVE_UP_SECONDS)
        with contextlib.suppress(KafkaError):
            producer.close(timeout=0)

    def refusal(self, made: Any) -> str:
        """Return why a client made here is kept out since it was connected; empty if it is not."""
        from drakkar.kafka_client.refusal import refusal_text

        current = getattr(made, _REFUSALS).current
        return refusal_text(current, self.options) if current is not None else ''

    def admin(self, **config: Any) -> KafkaAdminClient:
        """Return a client that creates and describes topics. Raises ConnectError."""
        from kafka.admin import KafkaAdminClient

        return self._make(KafkaAdminClient, config)

    def _make(self, kind: Callable[..., T], config: dict[str, Any]) -> T:
        from kafka.errors import KafkaError
        from kafka.net.compat import KafkaNetClient

        from drakkar.kafka_client.closing import mend_closing
        from drakkar.kafka_client.refusal import Refusals
        from drakkar.kafka_client.sockets import mend_sockets

        mend_sockets()
        mend_closing()
        context = self._tls()
        opened: list[Any] = []
        refusals: list[Refusals] = []

        def open_client(**settings: Any) -> Any:
            client = KafkaNetClient(**settings)
            # kafka-python 3.0 takes this option and forgets it, so every reader makes topics.
            auto_create = settings.get('allow_auto_create_topics', False)
            client.cluster.config['allow_auto_create_topics'] = auto_create
            opened.append(client)
            refusals.append(Refusals(client._manager))
            return client

        try:
            made = kind(**{**self._settings(context), 'kafka_client': open_client, **config})
        except BaseException as error:
            for client in opened:  # kafka-python leaves its IO greenlet running
                client.close()
            if isinstance(error, (KafkaError, OSError, ValueError)):
                raise self._failure(error, context) from error
            raise
        for watching in refusals:
            watching.done()
            setattr(made, _REFUSALS, watching)
        return made

    @property
    def _where(self) -> str:
        return f'{self._named}brokers = {", ".join(self.options.brokers)}'

    @property
    def _named(self) -> str:
        return f'[{self.section}] ' if self.section else ''

    def _failure(self, error: Exception, context: ssl.SSLContext | None) -> ConnectError:
        from kafka.errors import KafkaTimeoutError

        from drakkar.kafka_client.refusal import refusal_text

        options = self.options
        refused = refusal_text(error, options)
        if refused:
            return AccessRefusedError(f'{self._where}: {refused}')
        reason = str(error)
        if isinstance(error, KafkaTimeoutError):
            found = why_not(options.brokers, context)
            reason = f'no answer within {options.connect_timeout_seconds:g} s ({found})'
        return ConnectError(f'{self._where}: {reason}')

    def _tls(self) -> ssl.SSLContext | None:
        if not self.options.security_protocol.endswith('SSL'):
            return None
        try:
            return tls_context(self.options)
        except OSError as error:
            names = ('tls_ca_file', 'tls_cert_file', 'tls_key_file')
            files = ', '.join(f'{n} = {getattr(self.options, n)}' for n in names)
            raise ConnectError(f'{self._named}{files}: {error}') from error

    def _settings(self, context: ssl.SSLContext | None) -> dict[str, Any]:
        options = self.options
        settings = {
            'bootstrap_servers': list(options.brokers),
            'client_id': options.client_id or self.client_id,
            'security_protocol': options.security_protocol,
            'ssl_context': context,
            'ssl_check_hostname': options.tls_verify,
            'bootstrap_timeout_ms': int(options.connect_timeout_seconds * 1000),
            'request_timeout_ms': options.request_timeout_ms,
            'reconnect_backoff_max_ms': _RECONNECT_MAX_MS,
            'metadata_max_age_ms': _METADATA_MAX_AGE_MS,
        }
        if options.security_protocol.startswith('SASL'):
            settings |= {
                'sasl_mechanism': options.sasl_mechanism,
                'sasl_plain_username': options.sasl_username,
                'sasl_plain_password': options.sasl_password,
            }
        return settings
