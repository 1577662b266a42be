"""A Redis server: redis-server from PATH, else Debian's package."""

from __future__ import annotations

import shutil
import socket

from integration.servers import debian, ports
from integration.servers.server import NotReadyError, Server


class Redis(Server):
    """Every write is appended to a file that survives a kill; databases 0 to 255."""

    label = 'Redis'

    @classmethod
    def find(cls) -> str | None:
        return shutil.which('redis-server')

    @classmethod
    def fetch(cls) -> None:
        debian.install(cls.label, 'redis-server')

    def command(self) -> list[str]:
        options = {
            'bind': ports.HOST,
            'port': str(self.port),
            'dir': str(self.folder),
            'databases': '256',
            'save': '',
            'appendonly': 'yes',
            # A kill of the process loses nothing that was written: the kernel has it.
            'appendfsync': 'no',
            'daemonize': 'no',
        }
        words = [self.obtain()]
        for name, value in options.items():
            words += [f'--{name}', value]
        return words

    def ping(self) -> None:
        with socket.create_connection((ports.HOST, self.port), timeout=1) as connection:
            connection.sendall(b'PING\r\n')
            answer = connection.recv(100)
        # It answers -LOADING while it reads its data.
        if not answer.startswith(b'+PONG'):
            raise NotReadyError(answer.decode(errors='replace').strip())

    def url(self, database: int = 0) -> str:
        """Return the URL of one of the databases."""
        return f'redis://{self.address}/{database}'

    @property
    def dsn(self) -> str:
        """URL of database 0."""
        return self.url()
