"""Structured logs: one format for Drakkar, for handlers and for every library.

Modules log with `structlog.get_logger('drakkar.x')` and keyword fields. The
standard library's loggers (kafka, gevent, urllib3) end in the same lines.
Nothing here is configured by importing it.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, Protocol

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars

from drakkar import jsonio, redact
from drakkar.errors import ConfigError

LEVELS = ('debug', 'info', 'warning', 'error', 'critical')

# Libraries tell of every packet at debug; nobody who debugs a handler wants that.
_LIBRARY_FLOOR = logging.INFO
# These tell of their housekeeping at info, and are asked for it with level = debug only.
_TALKATIVE_LIBRARIES = ('kafka',)
_REOPEN_CHECK_SECONDS = 1.0

Event = MutableMapping[str, Any]


class LogOptions(Protocol):
    """What `[logging]` brings: level, format (json or console) and output."""

    level: str
    format: str
    output: str


class _Bound(structlog.BoundLoggerBase):
    """The class of every logger, cached by all modules; its methods follow the level in force."""


class _Output:
    """The end of a logger's chain: knows the name given to `get_logger`, writes finished lines."""

    __slots__ = ('name',)

    def __init__(self, name: str = 'drakkar') -> None:
        self.name = name

    def write(self, line: str) -> None:
        _destination.write(line)

    debug = info = warning = error = critical = write


# One list for ever: loggers keep it once they are cached, so it is changed in place.
_processors: list[Any] = []


def configure(
    options: LogOptions, worker_id: str = '', cluster_name: str = '', group: str = ''
) -> None:
    """Send all log lines where and how `options` says; may be called again.

    Each line carries time, level, event, logger, worker, cluster and group, the
    fields of the call, and those of `context`. Raises ConfigError where an
    option is wrong or the output can not be written; then nothing has changed.
    """
    level = _level(options.level)
    render = _renderer(options)
    destination = _open_destination(options.output, worker_id, cluster_name)
    reset()
    identity = {'worker': worker_id, 'cluster': cluster_name, 'group': group}
    _use(level, destination, [_stamp(identity), *_CLEAN, render])
    talkative = _LIBRARY_FLOOR if level == logging.DEBUG else max(level, logging.WARNING)
    _libraries.install(max(level, _LIBRARY_FLOOR), talkative)


def reset() -> None:
    """Close the output and go back to plain lines on stderr, libraries left alone."""
    _libraries.remove()
    _destination.close()
    _use(logging.INFO, _Stream('stderr'), [_stamp({}), *_CLEAN, _console('stderr')])


@contextlib.contextmanager
def context(**fields: Any) -> Iterator[None]:
    """Add fields (partition, hook, task_id) to every line logged inside the block.

    They hold for the current greenlet: one that is spawned inside starts without.
    """
    with bound_contextvars(**fields):
        yield


def _use(level: int, destination: _Stream | _LogFile, processors: list[Any]) -> None:
    global _destination
    _destination = destination
    _processors[:] = [merge_contextvars, *processors]
    filtering = structlog.make_filtering_bound_logger(level)
    for name, method in vars(filtering).items():
        if not name.startswith('__'):
            setattr(_Bound, name, method)
    structlog.configure(
        processors=_processors,
        wrapper_class=_Bound,
        logger_factory=_Output,
        cache_logger_on_first_use=True,
    )


def _level(name: str) -> int:
    if name.lower() not in LEVELS:
        raise ConfigError(f'[logging] level = {name}: must be one of {", ".join(LEVELS)}')
    return int(getattr(logging, name.upper()))


# Processors


def _stamp(identity: Mapping[str, str]) -> Callable[[Any, str, Event], Event]:
    """Begin each line with the same fields in the same order."""

    def stamp(logger: Any, method: str, event: Event) -> Event:
        now = datetime.datetime.now(datetime.timezone.utc)
        line: Event = {
            'time': now.isoformat(timespec='milliseconds').replace('+00:00', 'Z'),
            'level': method,
            'event': event.pop('event', ''),
            'logger': logger.name,
            **identity,
        }
        line.update(event)
        return line

    return stamp


def _redact(_logger: Any, _method: str, event: Event) -> Event:
    for key, value in event.items():
        if isinstance(value, tuple) and type(value) is not tuple:
            event[key] = str(value)  # a partition or a sink, which has a name for people
    return dict(redact.data(event))


def _to_json(_logger: Any, _method: str, event: Event) -> str:
    try:
        return jsonio.dumps(event)
    except (TypeError, ValueError):  # a log line is written whatever is in it
        return json.dumps(_printable(event), separators=(',', ':'))


def _printable(event: Event) -> dict[str, Any]:
    return {str(k): v if isinstance(v, (str, int, float)) else repr(v) for k, v in event.items()}


def _console(output: str) -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(
        colors=output in ('stderr', 'stdout') and getattr(sys, output).isatty(),
        timestamp_key='time',
        # The pretty one prints local variables, secrets included.
        exception_formatter=structlog.dev.plain_traceback,
    )


def _renderer(options: LogOptions) -> Any:
    if options.format == 'json':
        return _to_json
    if options.format == 'console':
        return _console(options.output)
    raise ConfigError(f'[logging] format = {options.format}: must be json or console')


_CLEAN = [structlog.processors.format_exc_info, _redact]


# Destinations


def _open_destination(output: str, worker_id: str, cluster_name: str) -> _Stream | _LogFile:
    if output in ('stderr', 'stdout'):
        return _Stream(output)
    # A worker's name is no path.
    names = {'worker_id': worker_id, 'cluster_name': cluster_name}
    try:
        path = output.format_map({k: v.replace('/', '_') for k, v in names.items()})
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        raise ConfigError(
            f'[logging] output = {output}: '
            'only {worker_id} and {cluster_name} may stand in braces'
        ) from error
    try:
        return _LogFile(path)
    except OSError as error:
        raise ConfigError(
            f'[logging] output = {output}: {_what(error, path, output)} can not be written: '
            f'{error.strerror}'
        ) from error


def _what(error: OSError, path: str, output: str) -> str:
    """Name what stands in the way, where that is not what the option says."""
    wrong = error.filename or path
    return 'it' if wrong == output else str(wrong)


class _Stream:
    """stderr or stdout, looked up for each line because it may be replaced."""

    def __init__(self, name: str) -> None:
        self._name = name

    def write(self, line: str) -> None:
        stream = getattr(sys, self._name)
        with contextlib.suppress(OSError, ValueError):  # closed or broken: work goes on
            stream.write(line + '\n')
            stream.flush()

    def close(self) -> None:
        """Leave the stream open: it is not ours."""


class _LogFile:
    """A log file that follows rotation: moved away or deleted, a new one is begun.

    Each line is one write in append mode, so lines of several greenlets, threads
    or processes never mix.
    """

    def __init__(self, path: str) -> None:
        """Open it, parents made. Raises OSError."""
        self._path = path
        os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
        self._open()

    def _open(self) -> None:
        self._file = open(self._path, 'ab', buffering=0)  # noqa: SIM115 - kept open
        self._inode = os.fstat(self._file.fileno()).st_ino
        self._checked = time.monotonic()

    def write(self, line: str) -> None:
        if time.monotonic() - self._checked > _REOPEN_CHECK_SECONDS:
            self._follow()
        try:
            self._file.write((line + '\n').encode('utf-8', 'backslashreplace'))
        except OSError:  # the disk is full, say: the line is not lost where stderr is kept
            _Stream('stderr').write(line)

    def _follow(self) -> None:
        self._checked = time.monotonic()
        try:
            moved = os.stat(self._path).st_ino != self._inode
        except OSError:
            moved = True
        if moved:
            old = self._file
            with contextlib.suppress(OSError):  # go on with the old file rather than lose lines
                self._open()
                old.close()

    def close(self) -> None:
        self._file.close()


# The standard library's logging


class _LibraryHandler(logging.Handler):
    """Turns the records of libraries into lines like ours."""

    def __init__(self) -> None:
        super().__init__()
        self._previous_levels: dict[logging.Logger, int] = {}

    def install(self, level: int, talkative: int) -> None:
        root = logging.getLogger()
        levels = {root: level}
        levels.update((logging.getLogger(name), talkative) for name in _TALKATIVE_LIBRARIES)
        for logger, its_level in levels.items():
            self._previous_levels[logger] = logger.level
            logger.setLevel(its_level)
        root.addHandler(self)
        logging.captureWarnings(True)

    def remove(self) -> None:
        if not self._previous_levels:
            return
        for logger, level in self._previous_levels.items():
            logger.setLevel(level)
        self._previous_levels.clear()
        logging.getLogger().removeHandler(self)
        logging.captureWarnings(False)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line: Any = {'event': record.getMessage()}
            if record.exc_info:
                line['exc_info'] = record.exc_info
            output = _Output(record.name)
            for process in _processors:
                line = process(output, record.levelname.lower(), line)
            output.write(line)
        except structlog.DropEvent:
            return
        except Exception:
            self.handleError(record)


_libraries = _LibraryHandler()
_destination: _Stream | _LogFile = _Stream('stderr')
