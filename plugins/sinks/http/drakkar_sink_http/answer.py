"""What an answer, or the lack of one, means for the request."""

from __future__ import annotations

import email.utils
import time
from typing import Any

import requests
import urllib3.exceptions as broken

import drakkar.api as dk
from drakkar_sink_http.session import NotConnectedError, StaleConnectionError

# The server says that it did nothing with the request, and that it may be sent again.
UNPROCESSED = frozenset({408, 425, 429, 503})
NEVER_CONNECTED = (broken.NewConnectionError, broken.ConnectTimeoutError, NotConnectedError)
EXCERPT_CHARACTERS = 300
# So much of an answer is read, that its connection can be used again.
BODY_BYTES = 64 * 1024


class UnansweredError(dk.TransientSinkError):
    """There was no whole answer. `stale`: the server had closed the connection, idle until then."""

    def __init__(self, text: str, stale: bool = False) -> None:
        super().__init__(text)
        self.stale = stale


class NotReachedError(dk.NotWrittenError):
    """There was no connection, so nothing was sent."""


class BusyError(dk.TransientSinkError):
    """The server did nothing and asks to come again, after `seconds` where it says so."""

    def __init__(self, text: str, seconds: float = 0.0) -> None:
        super().__init__(text)
        self.seconds = seconds


class WholeRefusedError(dk.RefusedError):
    """The content of the request was refused: of several payloads others may be taken."""


def judge(response: requests.Response) -> None:
    """Read the answer. Raises BusyError, TransientSinkError or RefusedError unless it is 2xx."""
    body = _read(response)
    status = response.status_code
    if 200 <= status < 300:
        return
    text = f'{status} {response.reason or ""}'.rstrip()
    if 300 <= status < 400:
        raise dk.RefusedError(f'{text}: redirects there are not followed')
    excerpt = ' '.join(body.decode('utf-8', 'replace').split())[:EXCERPT_CHARACTERS]
    text += f': {excerpt}' if excerpt else ''
    if status in UNPROCESSED:
        raise BusyError(text, retry_after(response.headers.get('Retry-After', ''), time.time()))
    if status >= 500:
        raise dk.TransientSinkError(text)
    if status in (400, 409, 413, 422):
        raise WholeRefusedError(text)
    raise dk.RefusedError(text)


def _read(response: requests.Response) -> bytes:
    """Return the beginning of the body. With more to come, closing drops the connection."""
    parts: list[bytes] = []
    left = BODY_BYTES
    while left > 0:
        part = response.raw.read(left, decode_content=True)
        if not part:
            return b''.join(parts)
        parts.append(part)
        left -= len(part)
    return b''.join(parts)


def retry_after(value: str, now: float) -> float:
    """Return the seconds that a Retry-After header asks to wait, 0 where it says nothing."""
    value = value.strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0


def unanswered(error: Exception) -> UnansweredError | NotReachedError:
    """Return what an error of requests or urllib3 means, without the URL that is in its text."""
    chain: list[BaseException] = [error]
    while (below := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(below)
    text = _text(chain[-1])
    if any(isinstance(each, NEVER_CONNECTED) for each in chain):
        return NotReachedError(f'not reached: {text}')
    stale = any(isinstance(each, StaleConnectionError) for each in chain)
    return UnansweredError(f'no whole answer: {text}', stale)


def _text(error: Any) -> str:
    detail = ' '.join(str(error).split())[:EXCERPT_CHARACTERS]
    return f'{type(error).__name__}: {detail}' if detail else type(error).__name__
