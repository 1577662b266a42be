"""What of an option's value may be shown.

Stricter than drakkar/redact.py in what it takes for a password, since a person
may have written it in any form, but it leaves a URL its user name: whoever reads
`config show` wants to know which account it is.
"""

from __future__ import annotations

import re
from typing import Any

from drakkar.redact import MASK, is_secret_name

# Greedy up to the last `@` of the word: a password may hold any character, `/` and `@` too.
_URL_CREDENTIALS = re.compile(r'://(?:([^:/@\s]+):)?\S*@')
_PASSWORD_PARAMETER = re.compile(
    r"""\b(\w*(?:password|passwd|secret|token|credential|api_?key)\w*\s*=\s*)('[^']*'|[^\s&;,]+)""",
    re.IGNORECASE,
)


def mask_text(text: str) -> str:
    """Return `text` without the credentials of URLs and without `password=...` parameters."""
    text = _URL_CREDENTIALS.sub(_mask_credentials, text)
    return _PASSWORD_PARAMETER.sub(rf'\1{MASK}', text)


def masked_by_name(name: str, value: Any) -> Any:
    """Return the value of an option whose declaration knows no secrets, as it may be shown."""
    text = '' if value is None else str(value)
    shown = MASK if text and is_secret_name(name) else mask_text(text)
    return value if shown == text else shown


def _mask_credentials(match: re.Match[str]) -> str:
    user = match.group(1)
    return f'://{user}:{MASK}@' if user else f'://{MASK}@'
