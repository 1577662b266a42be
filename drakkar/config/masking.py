"""What of a value may be shown: no password, no token, no credentials of a URL."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

MASK = '***'

# Names of variables whose values are taken for secrets, ignoring case.
SECRET_NAMES = ('*PASSWORD*', '*PASSWD*', '*SECRET*', '*TOKEN*', '*_KEY', '*_DSN', '*CREDENTIAL*')

# Greedy up to the last `@` of the word: a password may hold any character, `/` and `@` too.
_URL_CREDENTIALS = re.compile(r'://(?:([^:/@\s]+):)?\S*@')
_PASSWORD_PARAMETER = re.compile(
    r"""\b(\w*(?:password|passwd|secret|token|credential|api_?key)\w*\s*=\s*)('[^']*'|[^\s&;,]+)""",
    re.IGNORECASE,
)


def looks_secret(name: str) -> bool:
    """Return whether a variable of this name is taken for a secret."""
    return any(fnmatchcase(name.upper(), pattern) for pattern in SECRET_NAMES)


def mask_text(text: str) -> str:
    """Return `text` without the credentials of URLs and without `password=...` parameters."""
    text = _URL_CREDENTIALS.sub(_mask_credentials, text)
    return _PASSWORD_PARAMETER.sub(rf'\1{MASK}', text)


def _mask_credentials(match: re.Match[str]) -> str:
    user = match.group(1)
    return f'://{user}:{MASK}@' if user else f'://{MASK}@'
