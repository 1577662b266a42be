"""Hears, while connecting, a refusal that no further try would change.

kafka-python 3.0 goes on trying, silently, and in the end knows only that no broker answered.
"""

from __future__ import annotations

import ssl
from typing import Any

from kafka.errors import (
    IllegalSaslStateError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)

_OF_LOGIN = (SaslAuthenticationFailedError, UnsupportedSaslMechanismError, IllegalSaslStateError)


class Refusals:
    """Ends the attempts of one client at its first refusal, until `done`.

    Later ones, of a client that was connected, may pass: those are tried on.
    """

    def __init__(self, manager: Any) -> None:
        self._first: BaseException | None = None
        self._manager = manager
        self._get_connection = manager.get_connection
        manager.get_connection = self._watched_connection

    def _watched_connection(self, *args: Any, **kwargs: Any) -> Any:
        if self._first is not None:
            raise self._first
        connection = self._get_connection(*args, **kwargs)
        connection.init_future.add_errback(self._note)
        return connection

    def _note(self, error: BaseException) -> None:
        cause = error.__context__
        if isinstance(cause, ssl.SSLCertVerificationError):
            error = cause
        elif not isinstance(error, _OF_LOGIN):
            return
        self._first = self._first or error

    def done(self) -> None:
        """Stop watching: the client is connected."""
        self._manager.get_connection = self._get_connection


def refusal_text(error: Exception, options: Any) -> str:
    """Return what a refusal means to the user, an empty text for any other error."""
    if isinstance(error, ssl.SSLCertVerificationError):
        known = options.tls_ca_file or 'those of the system'
        reason = error.verify_message.rstrip('.')
        return f'the certificate of the broker is not trusted: {reason} (tls_ca_file: {known})'
    if isinstance(error, _OF_LOGIN):
        how = f'{options.sasl_mechanism} over {options.security_protocol}'
        said = str(error.args[0]) if error.args else str(error)
        said = said.removeprefix(f'{type(error).__name__}: ')
        return f'the login of {options.sasl_username} was refused ({how}): {said}'
    return ''
