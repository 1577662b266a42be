"""The handler's cache beside what it is made of: a dict with JSON, and a query of SQLite."""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import gevent

from drakkar import jsonio
from drakkar.cache import CacheSettings, WorkerCache
from drakkar.cli.common import freeze_startup
from integration.bench.recorder import Gaps, rss_mib

_VALUE = {'path': '/srv/files/some/where', 'matches': 17, 'files': ['a.txt', 'b.txt']}
_IN_MEMORY = 10_000
_TURN = 50  # calls after which others get their turn
_LIMIT_SECONDS = 5.0


def run(name: str, count: int, *_: Any) -> dict[str, Any]:
    """Return what calls cost; with the name `cache-million`, what `count` entries on disk do."""
    return _fill(count) if name == 'cache-million' else {'cases': list(_calls(count))}


@contextmanager
def _cache(**settings: Any) -> Iterator[WorkerCache]:
    with tempfile.TemporaryDirectory(prefix='drakkar-bench-') as folder:
        cache = WorkerCache(
            CacheSettings(Path(folder), max_memory_entries=_IN_MEMORY, **settings), 'bench'
        )
        cache.start()
        try:
            yield cache
        finally:
            cache.stop()


def _calls(count: int) -> Iterator[dict[str, Any]]:
    """Measure each call, beside the bare thing that does the same."""
    text = jsonio.dumps(_VALUE)
    bare = {f'k{n}': text for n in range(_IN_MEMORY)}
    keys = [f'k{n}' for n in random.Random(1).choices(range(_IN_MEMORY), k=count)]
    with _cache(flush_seconds=0.5) as cache:
        for key in bare:
            cache.set(key, _VALUE)
        cache.flush()
        freeze_startup()
        loads, dumps = jsonio.loads, jsonio.dumps
        yield _case('dict and loads', keys, lambda key: loads(bare[key]))
        yield _case('peek', keys, cache.peek)
        yield _case('get, from memory', keys, cache.get)
        yield _case('dict and dumps', keys, lambda key: bare.__setitem__(key, dumps(_VALUE)))
        yield _case('set', keys, lambda key: cache.set(key, _VALUE))
        for number in range(_IN_MEMORY):  # drives the others out
            cache.set(f'other{number}', _VALUE)
        cache.flush()
        yield _in_sqlite(cache)


def _in_sqlite(cache: WorkerCache) -> dict[str, Any]:
    """Ask for what is on disk only; the same query in the hub's thread is the bare one."""
    keys = [f'k{n}' for n in range(_IN_MEMORY)]
    with closing(sqlite3.connect(cache.state.path)) as connection:
        query = 'SELECT value FROM cache_entries WHERE key = ?'
        bare = _case(
            '', keys, lambda key: jsonio.loads(connection.execute(query, (key,)).fetchone()[0])
        )
    case = _case('get, from SQLite', keys, cache.get)
    assert cache.state.hits_sqlite >= case['calls'], 'all of them were on disk only'
    return {**case, 'bare_rate': bare['rate']}


def _case(title: str, keys: list[str], call: Callable[[str], Any]) -> dict[str, Any]:
    calls = 0
    with Gaps() as gaps:
        started = time.perf_counter()
        for calls, key in enumerate(keys, start=1):
            call(key)
            if not calls % _TURN:
                gevent.sleep(0)
                if time.perf_counter() - started > _LIMIT_SECONDS:
                    break
        seconds = time.perf_counter() - started
    return {'title': title, 'calls': calls, 'rate': calls / seconds, 'gap_ms': gaps.longest * 1000}


def _fill(count: int) -> dict[str, Any]:
    """Set `count` entries, a hundred times what memory holds; then ask for any of them."""
    with _cache() as cache:
        freeze_startup()
        memory: list[float] = []
        with Gaps() as idle:  # what other processes of the machine cause
            gevent.sleep(3)
        with Gaps() as gaps:
            started = time.perf_counter()
            for number in range(count):
                cache.set(f'entry {number}', _VALUE)
                if not number % _TURN:
                    gevent.sleep(0)
                if not number % max(1, count // 10):
                    memory.append(rss_mib())
            cache.flush()
            filling = time.perf_counter() - started
            memory.append(rss_mib())
            cache.clean()
            chosen = random.Random(1).choices(range(count), k=min(count, 5000))
            started = time.perf_counter()
            for number in chosen:
                assert cache.get(f'entry {number}') == _VALUE
            asking = time.perf_counter() - started
        state = cache.state
        return {
            'entries': state.disk_entries,
            'in_memory': state.memory_entries,
            'lost': state.dropped,
            'set_rate': count / filling,
            'get_rate': len(chosen) / asking,
            'gap_ms': gaps.longest * 1000,
            'idle_gap_ms': idle.longest * 1000,
            'disk_mib': Path(state.path).stat().st_size / (1 << 20),
            'rss_first_tenth_mib': memory[1],
            'rss_end_mib': rss_mib(),
        }
