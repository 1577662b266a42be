"""Workers that see each other: the `*-live.db` links in a shared folder, and who is behind them."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from drakkar import jsonio
from drakkar.readonly import UnreadableError, in_thread, reading

LIVE_SUFFIX = '-live.db'
# A worker of another machine is taken for dead when its file has not changed for so long.
SILENT_SECONDS = 90.0
# What a worker says of itself hardly ever changes, though its file does all the time.
REREAD_SECONDS = 10.0
# A process that began later than its file says is another one that got the same pid.
_CLOCK_SLACK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Peer:
    """One worker whose current file is in the folder. `address` is where its UI is reached.

    `started_at` and `seen_at` (the last write to its file) are in seconds since the epoch.
    """

    worker_id: str
    cluster: str
    address: str
    metrics_port: int | None
    path: Path
    started_at: float
    seen_at: float
    live: bool
    pid: int | None = None
    host: str = ''


@dataclass(frozen=True, slots=True)
class BrokenPeer:
    """A link that leads to nothing usable, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at the folder found, each sorted by name."""

    peers: tuple[Peer, ...] = ()
    broken: tuple[BrokenPeer, ...] = ()

    def by_cluster(self) -> dict[str, list[Peer]]:
        """Return the peers by the names of their clusters, in order."""
        clusters: dict[str, list[Peer]] = {}
        for peer in sorted(self.peers, key=lambda peer: (peer.cluster, peer.worker_id)):
            clusters.setdefault(peer.cluster, []).append(peer)
        return clusters


@dataclass(frozen=True, slots=True)
class _Read:
    """What a file said of its worker, and when it was read."""

    modified: float
    read_at: float
    said: dict[str, Any]

    def is_good(self, modified: float) -> bool:
        return modified == self.modified or time.monotonic() - self.read_at < REREAD_SECONDS


class Peers:
    """Looks for peers in `db_dir`; without a folder there are none.

    Cheap to ask often: a file that changes is read again after REREAD_SECONDS.
    """

    def __init__(self, db_dir: str | os.PathLike[str]) -> None:
        self._folder = Path(db_dir) if str(db_dir) else None
        self._known: dict[tuple[str, int], _Read] = {}

    def find(self) -> Found:
        """Return those that are there now. Waits for the disk in a native thread."""
        return in_thread(self.look)

    def look(self) -> Found:
        """Do what `find` does, in this thread."""
        if self._folder is None:
            return Found()
        peers, broken = [], []
        known: dict[tuple[str, int], _Read] = {}
        for link in sorted(self._links()):
            try:
                peers.append(self._peer(link, known))
            except (UnreadableError, OSError, ValueError, TypeError) as error:
                broken.append(BrokenPeer(link.name, _reason(error)))
        self._known = known  # forgets the files that are gone
        return Found(tuple(peers), tuple(broken))

    def _links(self) -> Iterable[Path]:
        assert self._folder is not None
        try:
            with os.scandir(self._folder) as entries:
                return [Path(e.path) for e in entries if e.name.endswith(LIVE_SUFFIX)]
        except OSError:
            return []

    def _peer(self, link: Path, known: dict[tuple[str, int], _Read]) -> Peer:
        assert self._folder is not None
        path = Path(os.path.realpath(link))  # unlike resolve() it takes a link to itself
        if path.parent != self._folder.resolve():
            raise ValueError('it links to a file outside of the folder')
        status = path.stat()
        seen_at = max(status.st_mtime, _modified(path.with_name(f'{path.name}-wal')))
        key = (str(path), status.st_ino)
        before = self._known.get(key)
        if before is None or not before.is_good(seen_at):
            before = _Read(seen_at, time.monotonic(), _read_config(path))
        known[key] = before
        return _judged(_as_peer(before.said, path), seen_at)


def _read_config(path: Path) -> dict[str, Any]:
    with reading(path) as connection:
        said = _config(connection)
    if not isinstance(said.get('worker_id'), str):
        raise ValueError('it does not say which worker wrote it')
    return said


def _config(connection: sqlite3.Connection) -> dict[str, Any]:
    rows = connection.execute(
        "SELECT key, value FROM worker_config WHERE key NOT IN ('config')"
    ).fetchall()
    return {row['key']: jsonio.loads(row['value']) for row in rows}


def _as_peer(said: dict[str, Any], path: Path) -> Peer:
    port, pid = said.get('metrics_port'), said.get('pid')
    return Peer(
        worker_id=said['worker_id'],
        cluster=str(said.get('cluster_name') or ''),
        address=str(said.get('debug_url') or ''),
        metrics_port=port if isinstance(port, int) else None,
        path=path,
        started_at=float(said.get('started_at') or 0.0),
        seen_at=0.0,
        live=False,
        pid=pid if isinstance(pid, int) else None,
        host=str(said.get('host') or ''),
    )


def _judged(peer: Peer, seen_at: float) -> Peer:
    """Return the peer with whether it lives: by its process on this machine, else by its file."""
    if peer.pid is not None and peer.host == socket.gethostname():
        live = _runs(peer.pid, peer.started_at)
    else:
        live = time.time() - seen_at < SILENT_SECONDS
    return replace(peer, seen_at=seen_at, live=live)


def _runs(pid: int, started_at: float) -> bool:
    try:
        process = psutil.Process(pid)
        began: float = process.create_time()
        zombie = process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
    return not zombie and (not started_at or began <= started_at + _CLOCK_SLACK_SECONDS)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return 'the file that it links to is gone'
    if isinstance(error, OSError):
        return str(error.strerror or error)
    return str(error)
