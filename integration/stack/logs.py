"""Shows the logs of all services on one terminal, a colour and a name before each line."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

_COLOURS = (36, 33, 32, 35, 34, 31, 96, 93, 92, 95, 94, 91)
_POLL_SECONDS = 0.2
_MOST_AT_ONCE = 256 * 1024


class Logs:
    """Follows log files in a thread of its own until it is closed."""

    def __init__(self, files: Mapping[str, Path], out: TextIO = sys.stdout) -> None:
        width = max(map(len, files))
        self._out = out
        self._files = {
            file: _Follower(file, _prefix(name, width, number, out.isatty()))
            for number, (name, file) in enumerate(files.items())
        }
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name='logs', daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        """Write a line of the stack itself."""
        self._out.write(f'{text}\n')
        self._out.flush()

    def close(self) -> None:
        """Show what is left and end."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._end.wait(_POLL_SECONDS)
            for follower in self._files.values():
                for line in follower.lines(last=ended):
                    self._out.write(line)
            self._out.flush()


class _Follower:
    """Reads what was added to a file since the last time."""

    def __init__(self, file: Path, prefix: str) -> None:
        self._file = file
        self._prefix = prefix
        self._at = 0
        self._rest = b''

    def lines(self, *, last: bool) -> list[str]:
        """Return the new whole lines with their prefix, and at last one that has no end."""
        try:
            with self._file.open('rb') as source:
                source.seek(self._at)
                content = source.read(_MOST_AT_ONCE)
        except FileNotFoundError:
            return []
        self._at += len(content)
        *whole, self._rest = (self._rest + content).split(b'\n')
        if last and self._rest:
            whole.append(self._rest)
        return [f'{self._prefix}{line.decode(errors="replace")}\n' for line in whole]


def _prefix(name: str, width: int, number: int, coloured: bool) -> str:
    text = f'{name:{width}} | '
    return f'\x1b[{_COLOURS[number % len(_COLOURS)]}m{text}\x1b[0m' if coloured else text
