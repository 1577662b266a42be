"""The one error shape of the UI's API, the same as that of the metrics exporter."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any


class HttpError(Exception):
    """Ends a request with `status`. `hint` tells the user what to do instead."""

    def __init__(self, status: int, hint: str, code: str = '') -> None:
        super().__init__(hint)
        self.status = status
        self.hint = hint
        self.code = code or default_code(status)

    def body(self) -> dict[str, Any]:
        """Return what the client is told."""
        return {'status': self.code, 'error': reason(self.status), 'hint': self.hint}


def reason(status: int) -> str:
    """Return the standard phrase of a status: 404 is `Not Found`."""
    return HTTPStatus(status).phrase


def status_line(status: int) -> str:
    return f'{status} {reason(status)}'


def default_code(status: int) -> str:
    """Return the machine-readable name of a status: 404 is `not_found`."""
    return reason(status).lower().replace(' ', '_').replace('-', '_')
