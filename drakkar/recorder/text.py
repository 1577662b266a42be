"""What users' texts become in a row: masked, cut, and always writable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from drakkar import jsonio, redact

# Cut only this much behind the limit before masking, so that no secret is cut in a way
# that hides it from the mask.
MARGIN_CHARS = 1024
_MAX_TEXT = 2000
# Masking keeps the GIL for some milliseconds per 64 KiB: others get it between pieces.
_PIECE_CHARS = 16_384


def writable(value: str) -> str:
    """Return `value` without lone surrogates, which SQLite can not store."""
    if value.isascii():
        return value
    return value.encode('utf-8', 'replace').decode()


def output(value: str, limit: int) -> tuple[str, bool]:
    """Return a program's output masked and cut to `limit` bytes, and whether it was cut."""
    masked = writable(''.join(map(redact.text, _pieces(value))))
    if len(masked) * 4 <= limit or len(encoded := masked.encode()) <= limit:
        return masked, False
    return encoded[:limit].decode('utf-8', 'ignore'), True


def _pieces(value: str) -> Iterator[str]:
    """Yield the text in pieces of whole lines: what is masked is never more than one."""
    start = 0
    while len(value) - start > _PIECE_CHARS:
        end = value.find('\n', start + _PIECE_CHARS) + 1
        if not end:
            break
        yield value[start:end]
        start = end
    yield value[start:]


def short(value: str) -> str:
    """Return an error's or another short text masked, and cut where it is not short."""
    return writable(redact.text(value[: _MAX_TEXT + MARGIN_CHARS]))[:_MAX_TEXT]


def quoted(value: str) -> str:
    """Return a short text as a JSON string."""
    return json(short(value))


def arguments(args: Sequence[str]) -> str:
    """Return an argument vector as JSON; what follows a secret-looking option is masked too."""
    try:
        joined = '","'.join(args)
    except TypeError:
        args = [*map(str, args)]
        joined = '","'.join(args)
    if '=' not in joined and '://' not in joined and not ('-' in joined and _has_secret(args)):
        if args and _is_plain(joined, 2 * len(args) - 2):
            return f'["{joined}"]'
        return json(list(args))
    shown = []
    mask_next = False
    for arg in args:
        shown.append(redact.MASK if mask_next else redact.text(arg))
        is_option = not mask_next and arg.startswith('-') and '=' not in arg
        mask_next = is_option and redact.is_secret_name(arg)
    return json(shown)


def labels(values: Mapping[str, Any]) -> str | None:
    """Return labels as JSON; None where there are none."""
    if not values:
        return None
    for name, value in values.items():
        if type(value) is not str or '=' in value or '://' in value or redact.is_secret_name(name):
            return json(redact.data(values))
    # Nothing in them could be a secret.
    joined = '","'.join([f'{name}":"{value}' for name, value in values.items()])
    return f'{{"{joined}"}}' if _is_plain(joined, 4 * len(values) - 2) else json(values)


def _has_secret(args: Sequence[str]) -> bool:
    return any(map(redact.is_secret_name, [arg for arg in args if arg[:1] == '-']))


def _is_plain(joined: str, quotes: int) -> bool:
    """Return whether nothing needs to be escaped in texts that were joined with so many quotes."""
    return (
        joined.isascii()
        and joined.isprintable()
        and '\\' not in joined
        and joined.count('"') == quotes
    )


def masked_json(value: Any) -> str:
    """Return what a handler gave as JSON, with secrets masked."""
    try:
        return json(redact.data(value))
    except RecursionError:
        return json(f'{type(value).__name__} that is nested too deeply')


def json(value: Any) -> str:
    """Return `value` as compact JSON that SQLite can store; what has no JSON form as its `repr`.

    Raises RecursionError for what is nested too deeply.
    """
    try:
        return jsonio.dumps(value)
    except (TypeError, ValueError):
        return jsonio.dumps(_plain(value))


def _plain(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return writable(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if depth < 10 and isinstance(value, Mapping):
        return {writable(str(k)): _plain(v, depth + 1) for k, v in value.items()}
    if depth < 10 and isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v, depth + 1) for v in value]
    return writable(redact.text(repr(value)[:_MAX_TEXT]))
