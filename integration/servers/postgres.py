"""A PostgreSQL server: from PATH or Debian's folders, else Debian's package."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import uuid
from pathlib import Path

from integration.servers import debian, ports
from integration.servers.server import NotReadyError, Server

USER = 'drakkar'
_SYSTEM_USER = 'postgres'
_numbers = itertools.count(1)


class Postgres(Server):
    """No password, no fsync (a kill is survived, a power cut is not), no Unix socket."""

    label = 'PostgreSQL'
    # Fast shutdown; on SIGTERM it would wait for its clients to leave.
    stop_signal = signal.SIGINT

    def __init__(self, *, session: bool = False) -> None:
        super().__init__(session=session)
        if os.geteuid() == 0:
            # It refuses to run as root.
            self.user = _SYSTEM_USER

    @classmethod
    def find(cls) -> str | None:
        """Return the folder that has initdb, postgres and psql."""
        folders = sorted(Path('/usr/lib/postgresql').glob('*/bin'), key=_version, reverse=True)
        on_path = shutil.which('postgres')
        if on_path:
            folders.insert(0, Path(on_path).resolve().parent)
        for folder in folders:
            if all((folder / name).exists() for name in ('initdb', 'postgres', 'psql')):
                return str(folder)
        return None

    @classmethod
    def fetch(cls) -> None:
        debian.install(cls.label, 'postgresql')

    def initialise(self) -> None:
        if self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        initdb = ['initdb', '--pgdata', 'data', '--username', USER, '--auth', 'trust']
        self.run(self._bin(initdb[0]), *initdb[1:], '--encoding=UTF8', '--locale=C', '--no-sync')

    def command(self) -> list[str]:
        settings = {
            'listen_addresses': ports.HOST,
            'port': str(self.port),
            'unix_socket_directories': '',
            # What is committed has reached the kernel, and survives a kill of the server.
            'fsync': 'off',
            'full_page_writes': 'off',
            'shared_buffers': '32MB',
            'max_connections': '200',
        }
        words = [self._bin('postgres'), '-D', 'data']
        for name, value in settings.items():
            words += ['-c', f'{name}={value}']
        return words

    def ping(self) -> None:
        self.execute('SELECT 1')

    @property
    def dsn(self) -> str:
        """URL of the database `postgres`."""
        return self.url('postgres')

    def url(self, database: str) -> str:
        """Return the URL of a database, without the need for a password."""
        return f'postgresql://{USER}@{self.address}/{database}'

    def execute(self, statement: str, database: str = 'postgres') -> str:
        """Run a statement with psql; return its rows as text. Raises NotReadyError."""
        psql = [self._bin('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1', self.url(database)]
        done = subprocess.run(
            [*psql, '-c', statement],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**os.environ, 'PGCONNECT_TIMEOUT': '2'},
            check=False,
        )
        if done.returncode != 0:
            raise NotReadyError(done.stderr.strip())
        return done.stdout.strip()

    def create_database(self) -> str:
        """Create a database of a name of its own and return the name."""
        name = f'test_{next(_numbers)}_{uuid.uuid4().hex[:8]}'
        self.execute(f'CREATE DATABASE {name}')
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database and end the connections to it."""
        self.execute(f'DROP DATABASE IF EXISTS {name} WITH (FORCE)')

    def _bin(self, program: str) -> str:
        return str(Path(self.obtain()) / program)


def _version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0
