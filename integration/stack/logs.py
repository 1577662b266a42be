"""Shows the logs of services on one terminal, a colour and a name before each line."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, TextIO

_COLOURS = (36, 33, 32, 35, 34, 31, 96, 93, 92, 95, 94, 91)
_OWN = 1  # bold
_POLL_SECONDS = 0.2
_MOST_AT_ONCE = 4 << 20
_BLOCK = 1 << 16


class Logs:
    """Follows the logs of all services in a thread of its own until it is closed."""

    def __init__(self, files: Mapping[str, Path], out: TextIO = sys.stdout) -> None:
        self._out = out
        self._own = _painted('stack: ', _OWN) if is_coloured(out) else 'stack: '
        self._files = followers(files, files, out)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name='logs', daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        """Write a line of the stack itself."""
        self._out.write(f'{self._own}{text}\n')
        self._out.flush()

    def close(self) -> None:
        """Show what is left and end."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        follow(self._files.values(), self._out, self._end.wait)


class Follower:
    """Reads what was added to a file since the last time."""

    def __init__(self, file: Path, prefix: str = '') -> None:
        self._file = file
        self._prefix = prefix
        self._at = 0
        self._rest = b''

    def skip_to_last(self, count: int) -> None:
        """Leave out all but so many whole lines of what is there now."""
        with contextlib.suppress(FileNotFoundError), self._file.open('rb') as source:
            self._at = _start_of_last(source, count)

    def lines(self, *, last: bool) -> Iterator[str]:
        """Yield new whole lines with their prefix; at last all, and one that has no end."""
        while content := self._read():
            *whole, self._rest = (self._rest + content).split(b'\n')
            yield from map(self._shown, whole)
            if not last:
                return  # others shall be read, too
        if last and self._rest:
            yield self._shown(self._rest)

    def _read(self) -> bytes:
        try:
            with self._file.open('rb') as source:
                source.seek(self._at)
                content = source.read(_MOST_AT_ONCE)
        except FileNotFoundError:
            return b''
        self._at += len(content)
        return content

    def _shown(self, line: bytes) -> str:
        return f'{self._prefix}{line.decode(errors="replace")}\n'


def followers(chosen: Mapping[str, Path], names: Iterable[str], out: TextIO) -> dict[str, Follower]:
    """Return a follower for each chosen log; what it yields begins with the name if there are more.

    A service's colour goes by its place in `names`.
    """
    if len(chosen) == 1:
        return {name: Follower(file) for name, file in chosen.items()}
    width = max(map(len, chosen))
    coloured = is_coloured(out)
    found = {}
    for number, name in enumerate(names):
        if name in chosen:
            text = f'{name:{width}} | '
            colour = _COLOURS[number % len(_COLOURS)]
            found[name] = Follower(chosen[name], _painted(text, colour) if coloured else text)
    return found


def follow(files: Iterable[Follower], out: TextIO, ended: Callable[[float], bool]) -> None:
    """Write what comes to the files until `ended`, which waits for so many seconds, says so."""
    last = False
    while not last:
        last = ended(_POLL_SECONDS)
        for file in files:
            out.writelines(file.lines(last=last))
        out.flush()


def is_coloured(out: TextIO) -> bool:
    """Return whether colours are wanted there: on a terminal, unless NO_COLOR says otherwise."""
    plain = os.environ.get('NO_COLOR') or os.environ.get('TERM') == 'dumb'
    return out.isatty() and not plain


def _painted(text: str, colour: int) -> str:
    return f'\x1b[{colour}m{text}\x1b[0m'


def _start_of_last(source: BinaryIO, count: int) -> int:
    """Return where the last `count` whole lines of a file begin."""
    end = source.seek(0, os.SEEK_END)
    ends = count + 1
    while end > 0:
        begin = max(0, end - _BLOCK)
        source.seek(begin)
        block = source.read(end - begin)
        here = block.count(b'\n')
        if here >= ends:
            at = len(block)
            for _ in range(ends):
                at = block.rindex(b'\n', 0, at)
            return begin + at + 1
        ends -= here
        end = begin
    return 0
