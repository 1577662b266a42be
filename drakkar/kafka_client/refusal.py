"""Hears of refusals: of a login that is not accepted, of a certificate that is not trusted.

kafka-python 3.0 goes on trying, silently, and knows only that no broker answered.
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
_ALL = (*_OF_LOGIN, ssl.SSLCertVerificationError)


class Refusals:
    """Knows whether one client is refused; until `done`, that ends its attempts.

    Later refusals, of a client that was connected, may pass (a password was changed, and will
    be changed here too): those are tried on.
    """

    def __init__(self, manager: Any) -> None:
        self.current: BaseException | None = None
        """Why the last connection failed, where that was a refusal."""
        self._connecting = True
        self._get_connection = manager.get_connection
        manager.get_connection = self._watched_connection

    def _watched_connection(self, *args: Any, **kwargs: Any) -> Any:
        if self._connecting and self.current is not None:
            raise self.current
        connection = self._get_connection(*args, **kwargs)
        if not connection.init_future.is_done:  # this is called for every request
            connection.init_future.add_both(self._note)
        return connection

    def _note(self, outcome: Any) -> None:
        cause = getattr(outcome, '__context__', None)
        error = cause if isinstance(cause, ssl.SSLCertVerificationError) else outcome
        if isinstance(error, _ALL):
            self.current = error
        elif not self._connecting:
            self.current = None

    def done(self) -> None:
        """Let the client try on from now on: it was connected."""
        self._connecting = False


def refusal_text(error: BaseException, options: Any) -> str:
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
