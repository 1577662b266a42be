"""Text from outside, made safe for a terminal."""

from __future__ import annotations


def one_line(text: str, limit: int | None = None) -> str:
    """Return `text` on one line without control characters, at most `limit` characters long."""
    line = _visible(' '.join(text.split()))
    return line if limit is None or len(line) <= limit else f'{line[: limit - 3]}...'


def block(text: str) -> str:
    """Return `text` with its lines and tabs but without other control characters.

    A message may hold anything, sequences that a terminal obeys among it.
    """
    return '\n'.join(_visible(line, keep='\t') for line in text.split('\n'))


def _visible(text: str, keep: str = '') -> str:
    if text.isprintable():
        return text
    return ''.join(
        char if char.isprintable() or char in keep else char.encode('unicode_escape').decode()
        for char in text
    )
