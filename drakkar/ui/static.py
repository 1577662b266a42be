"""The files of `static/`, held in memory: a path of a request never reaches the file system."""

from __future__ import annotations

import hashlib
from pathlib import Path

from drakkar.ui.errors import HttpError
from drakkar.ui.wire import Headers

ROOT = Path(__file__).with_name('static')
_TYPES = {
    '.css': 'text/css; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.svg': 'image/svg+xml',
}


class StaticFiles:
    """Serves what was there when the worker started; browsers ask each time whether it changed."""

    def __init__(self) -> None:
        self._files = {
            path.relative_to(ROOT).as_posix(): (path.read_bytes(), _TYPES[path.suffix])
            for path in sorted(ROOT.rglob('*'))
            if path.suffix in _TYPES
        }
        self._tags = {
            name: f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            for name, (body, _) in self._files.items()
        }

    def answer(self, name: str, known_tag: str) -> tuple[int, Headers, list[bytes]]:
        """Return status, headers and body. Raises HttpError(404)."""
        if name not in self._files:
            raise HttpError(404, 'there is no such file')
        body, kind = self._files[name]
        tag = self._tags[name]
        headers = [('ETag', tag), ('Cache-Control', 'no-cache')]
        if known_tag == tag:
            return 304, headers, [b'']
        return 200, [*headers, ('Content-Type', kind), ('Content-Length', str(len(body)))], [body]
