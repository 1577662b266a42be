"""Web UIs for Kafka, Redis and MongoDB that install on this machine.

The containers have others for Kafka (also as kafka-ui) and MongoDB (mongo-express).
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

from integration.servers import debian, obtain, ports
from integration.servers.server import Server
from integration.stack.plan import MONGO_UI_TOKEN
from integration.stack.program import http_ok

_KASKADE = ('kaskade==5.1.0', 'textual-serve==1.1.3')
_KAFKA_UI = Path(__file__).with_name('kafka_ui') / 'serve.py'
_COMMANDER = 'redis-commander@0.9.0'
_ADMIN = 'secantusdb[admin]>=0.7.0b3,<0.8'


class KafkaUi(Server):
    """Kaskade from PyPI in the browser, for the Kafka on a port."""

    label = 'kafka-ui'
    ready_seconds: ClassVar[float] = 60

    def __init__(self, kafka: int) -> None:
        super().__init__()
        self._kafka = kafka

    @classmethod
    def find(cls) -> str | None:
        """Return the Python that has it."""
        python = obtain.wheel_python_found(*_KASKADE)
        return str(python) if python else None

    @classmethod
    def fetch(cls) -> None:
        obtain.wheel_python(cls.label, *_KASKADE)

    def command(self) -> list[str]:
        where = [str(self.port), f'{ports.HOST}:{self._kafka}']
        return [self.obtain(), '-I', str(_KAFKA_UI), *where]

    def environment(self) -> dict[str, str]:
        # Kaskade looks for settings and has a log there, below HOME if it is not told otherwise.
        return {'HOME': str(self.folder), 'XDG_CONFIG_HOME': '', 'XDG_STATE_HOME': ''}

    def ping(self) -> None:
        http_ok(self.port, '/static/css/xterm.css')


class RedisCommander(Server):
    """redis-commander from npm, for the Redis on a port."""

    label = 'redis-commander'

    def __init__(self, redis: int) -> None:
        super().__init__()
        self._redis = redis

    @classmethod
    def find(cls) -> str | None:
        """Return the script that node is to run."""
        package = _commander() / 'node_modules/redis-commander'
        whole = (package / 'node_modules').is_dir() and shutil.which('node')
        return str(package / 'bin/redis-commander.js') if whole else None

    @classmethod
    def fetch(cls) -> None:
        if shutil.which('npm') is None:
            debian.install(cls.label, 'nodejs', 'npm')
        folder = _commander()
        fresh = folder.with_name(f'{folder.name}.new')
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        options = ['--prefix', str(fresh), '--no-fund', '--no-audit', '--ignore-scripts']
        # It serves files of the packages that it needs from a folder of its own.
        options += ['--install-strategy', 'nested']
        command = ['npm', 'install', *options, _COMMANDER]
        obtain.run_step(cls.label, f'fetching {_COMMANDER} from npm', command)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)

    def command(self) -> list[str]:
        where = ['--address', ports.HOST, '--port', str(self.port)]
        redis = ['--redis-host', ports.HOST, '--redis-port', str(self._redis)]
        return ['node', self.obtain(), *where, *redis, '--nosave']

    def environment(self) -> dict[str, str]:
        # It asks others for newer versions of itself otherwise, and looks for files in HOME.
        return {'HOME': str(self.folder), 'NO_UPDATE_NOTIFIER': '1'}

    def ping(self) -> None:
        http_ok(self.port, '/')


class MongoUi(Server):
    """SecantusDB's admin UI, which works with any MongoDB, for the one on a port."""

    label = 'mongo-ui'
    ready_seconds: ClassVar[float] = 60

    def __init__(self, mongo: int) -> None:
        super().__init__()
        self._mongo = mongo

    @classmethod
    def find(cls) -> str | None:
        """Return the program."""
        python = obtain.wheel_python_found(_ADMIN)
        return str(python.with_name('secantus-admin')) if python else None

    @classmethod
    def fetch(cls) -> None:
        # One of the packages that it needs has no wheel.
        obtain.wheel_python(cls.label, _ADMIN, only_binary=False)

    def command(self) -> list[str]:
        where = ['--uri', f'mongodb://{ports.HOST}:{self._mongo}', '--port', str(self.port)]
        return [self.obtain(), '--no-window', '--token', MONGO_UI_TOKEN, *where]

    def environment(self) -> dict[str, str]:
        return {'HOME': str(self.folder)}

    def ping(self) -> None:
        http_ok(self.port, '/healthz')


def _commander() -> Path:
    return obtain.cache_dir() / _COMMANDER.replace('@', '-')
