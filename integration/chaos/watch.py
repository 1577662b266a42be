"""Polls the dashboards of the workers and the group's progress, and shows both."""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integration.infra import brokers, topics

MAIN_GROUP, FAST_GROUP = 'drakkar-integration', 'drakkar-fast'


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at one moment, in seconds since the watch began.

    `completed` are tasks since a worker's last start, `partitions` those that it has; workers
    that do not answer are in neither.
    """

    at: float
    produced: int
    processed: dict[str, int]
    completed: dict[str, int]
    partitions: dict[str, int]


@dataclass
class Watch:
    """Looks when it is told to; `dashboards` maps workers to the port of their debug UI."""

    dashboards: Mapping[str, int]
    kafka: str
    samples: list[Sample] = field(default_factory=list)
    begin: float = field(default_factory=time.monotonic)

    def look(self) -> Sample:
        """Take a sample, print it, and keep it."""
        seen = {name: found for name, port in self.dashboards.items() if (found := ask(port))}
        processed = {
            group: brokers.committed(self.kafka, group, topics.REQUESTS)
            for group in (MAIN_GROUP, FAST_GROUP)
        }
        # After what is processed, which would seem to be more than there is.
        produced = sum(brokers.end_offsets(self.kafka, topics.REQUESTS).values())
        sample = Sample(
            round(time.monotonic() - self.begin, 1),
            produced,
            processed,
            {name: board['stats']['completed'] for name, board in seen.items()},
            {name: board['partition_count'] for name, board in seen.items()},
        )
        self.samples.append(sample)
        self._show(sample)
        return sample

    def _show(self, sample: Sample) -> None:
        cells = [
            f'{name} {sample.completed[name]:5} ({sample.partitions[name]:2}p)'
            if name in sample.completed
            else f'{name}     - ( -p)'
            for name in self.dashboards
        ]
        main, fast = sample.processed[MAIN_GROUP], sample.processed[FAST_GROUP]
        print(
            f'{sample.at:6.1f} s  {"  ".join(cells)}  processed {main} / {fast} of '
            f'{sample.produced}',
            flush=True,
        )


def ask(port: int) -> Any:
    """Return a worker's /api/dashboard, or None where none answers."""
    token = os.environ.get('DK_DEBUG__AUTH_TOKEN', '')
    headers = {'Authorization': f'Bearer {token}'} if token else {}
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=3)
    try:
        connection.request('GET', '/api/dashboard', headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        return json.loads(content) if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
