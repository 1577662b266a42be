"""A MongoDB server: mongod from PATH, else SecantusDB from PyPI, in a process of its own.

SecantusDB speaks MongoDB's protocol and is no MongoDB; `Mongo.kind` says which one it is.
"""

from __future__ import annotations

import importlib.util
import shutil
import socket
import struct
import sys

from integration.servers import obtain, ports
from integration.servers.server import NotReadyError, Server

_WHEEL = 'secantusdb>=0.7.0b3,<0.8'


class Mongo(Server):
    """What a client wrote with `j=true` (SecantusDB: any write) is there after a kill."""

    label = 'MongoDB'

    @classmethod
    def find(cls) -> str | None:
        """Return mongod, or a Python that has SecantusDB."""
        mongod = shutil.which('mongod')
        if mongod:
            return mongod
        if importlib.util.find_spec('secantus'):
            return sys.executable
        python = obtain.wheel_python_found(_WHEEL)
        return str(python) if python else None

    @classmethod
    def fetch(cls) -> None:
        obtain.say(cls.label, 'no mongod on PATH; SecantusDB will do')
        obtain.wheel_python(cls.label, _WHEEL)

    @property
    def kind(self) -> str:
        """`mongod` or `secantusdb`."""
        return 'mongod' if self.obtain().endswith('mongod') else 'secantusdb'

    def command(self) -> list[str]:
        data = self.folder / 'data'
        data.mkdir(exist_ok=True)
        where = ['--port', str(self.port)]
        if self.kind == 'mongod':
            own = ['--dbpath', str(data), '--bind_ip', ports.HOST, '--nounixsocket', '--quiet']
            return [self.obtain(), *own, *where]
        own = ['--storage-path', str(data), '--host', ports.HOST, '--log-level', 'WARNING']
        return [self.obtain(), '-m', 'secantus', *own, '--sync-on-commit', *where]

    def ping(self) -> None:
        with socket.create_connection((ports.HOST, self.port), timeout=1) as connection:
            connection.sendall(_PING)
            if b'\x01ok\x00' not in connection.recv(4096):
                raise NotReadyError('no answer to ping')

    @property
    def dsn(self) -> str:
        """URL of the server."""
        return f'mongodb://{self.address}/'


def _ping_message() -> bytes:
    """Return the command {ping: 1, $db: 'admin'} as OP_MSG, so that no driver is needed here."""
    fields = b'\x10ping\x00' + struct.pack('<i', 1) + b'\x02$db\x00\x06\x00\x00\x00admin\x00'
    document = struct.pack('<i', len(fields) + 5) + fields + b'\x00'
    body = struct.pack('<I', 0) + b'\x00' + document
    op_msg = 2013
    return struct.pack('<iiii', len(body) + 16, 1, 0, op_msg) + body


_PING = _ping_message()
