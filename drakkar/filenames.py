"""Names of files that are made of names that people choose."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

_MAX_NAME = 150  # of 255 bytes that a file system takes, so that date and endings fit


def safe_name(worker: str) -> str:
    """Return a file name for any worker's name; different ones for different workers."""
    name = quote(worker, safe=' ,+=@').replace('~', '%7E')
    if name[:1] in ('.', '-', ' ') or not name:
        name = f'%{ord(name[0]):02X}{name[1:]}' if name else '%'
    if len(name) > _MAX_NAME:
        digest = hashlib.sha256(worker.encode('utf-8', 'replace')).hexdigest()[:16]
        name = f'{name[: _MAX_NAME - 17]}~{digest}'
    return name
