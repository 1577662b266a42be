"""What goes over the wire besides the views' own answers: headers, errors, HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from drakkar import jsonio
from drakkar.ui.errors import HttpError

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

HTML = 'text/html; charset=utf-8'
METHODS = ('GET', 'HEAD', 'POST', 'OPTIONS')
POLICY = '; '.join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
SAFE_HEADERS: Headers = [
    ('Content-Security-Policy', POLICY),
    ('X-Content-Type-Options', 'nosniff'),
    ('X-Frame-Options', 'DENY'),
    ('Referrer-Policy', 'same-origin'),
    ('Cross-Origin-Opener-Policy', 'same-origin'),
    ('Cross-Origin-Resource-Policy', 'same-origin'),
]


def with_safe_headers(headers: Headers) -> Headers:
    """Return the headers with those that every answer has."""
    present = {name.lower() for name, _ in headers}
    added = [h for h in SAFE_HEADERS if h[0].lower() not in present]
    if 'cache-control' not in present:
        added.append(('Cache-Control', 'no-store'))
    return [*headers, *added]


def json_answer(error: HttpError) -> tuple[Headers, bytes]:
    """Return headers and body of an error in the API's shape."""
    body = jsonio.dumps_bytes(error.body()) + b'\n'
    headers = [('Content-Type', 'application/json'), ('Content-Length', str(len(body)))]
    if error.status == 401:
        headers.append(('WWW-Authenticate', 'Bearer realm="drakkar"'))
    if error.status == 405:
        headers.append(('Allow', ', '.join(METHODS)))
    return headers, body


def wants_page(environ: Environ) -> bool:
    """Return whether a request is that of a browser for a page."""
    if environ.get('PATH_INFO', '').startswith(('/api/', '/ws', '/healthz', '/readyz')):
        return False
    return 'text/html' in environ.get('HTTP_ACCEPT', '')


def html(text: str) -> tuple[Headers, bytes]:
    body = text.encode('utf-8', 'replace')
    headers = [
        ('Content-Type', HTML),
        ('Content-Length', str(len(body))),
    ]
    return headers, body
