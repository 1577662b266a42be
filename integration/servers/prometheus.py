"""A Prometheus server: from PATH, else Debian's package."""

from __future__ import annotations

import http.client
import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import quote

from integration.servers import debian, ports
from integration.servers.server import NotReadyError, Server

_SCRAPE_SECONDS = 1


class Prometheus(Server):
    """Scrapes what `scrape` was told every second."""

    label = 'Prometheus'

    @classmethod
    def find(cls) -> str | None:
        return shutil.which('prometheus')

    @classmethod
    def fetch(cls) -> None:
        debian.install(cls.label, 'prometheus')

    @property
    def _targets(self) -> Path:
        return self.folder / 'targets.json'

    def initialise(self) -> None:
        if not self._targets.exists():
            self._targets.write_text('[]')

    def command(self) -> list[str]:
        config = {
            'global': {'scrape_interval': f'{_SCRAPE_SECONDS}s'},
            'scrape_configs': [
                {
                    'job_name': 'drakkar',
                    'file_sd_configs': [
                        {'files': [str(self._targets)], 'refresh_interval': f'{_SCRAPE_SECONDS}s'}
                    ],
                }
            ],
        }
        path = self.folder / 'prometheus.yml'
        # JSON is YAML.
        path.write_text(json.dumps(config))
        return [
            self.obtain(),
            f'--config.file={path}',
            f'--storage.tsdb.path={self.folder / "data"}',
            f'--web.listen-address={self.address}',
            '--web.enable-lifecycle',
            '--log.level=warn',
        ]

    def ping(self) -> None:
        self._get('/-/ready')

    @property
    def dsn(self) -> str:
        """URL of the server, without a slash at its end."""
        return f'http://{self.address}'

    def scrape(self, *addresses: str) -> None:
        """Scrape /metrics of each HOST:PORT from now on, in place of those before."""
        groups = [{'targets': list(addresses)}] if addresses else []
        # In one move: it reads the file whenever it changes.
        fresh = self._targets.with_suffix('.new')
        fresh.write_text(json.dumps(groups))
        fresh.replace(self._targets)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the result of an instant query, as the HTTP API has it. Raises NotReadyError."""
        answer = json.loads(self._get(f'/api/v1/query?query={quote(expression)}'))
        result: list[dict[str, Any]] = answer['data']['result']
        return result

    def _get(self, path: str) -> bytes:
        connection = http.client.HTTPConnection(ports.HOST, self.port, timeout=5)
        try:
            connection.request('GET', path)
            answer = connection.getresponse()
            content = answer.read()
        except http.client.HTTPException as error:
            raise NotReadyError(repr(error)) from error
        finally:
            connection.close()
        if answer.status != 200:
            raise NotReadyError(f'{path}: {answer.status} {content.decode(errors="replace")}')
        return content
