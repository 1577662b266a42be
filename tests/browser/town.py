"""A folder with a handler that does everything the debug UI can show, and workers run in it.

What messages ask for: `ok` and `fan` succeed, `fail` ends in the dead letter queue, `skip` fails
and is skipped, `retry` fails once, `replace` is replaced by another task, `wait` runs until the
file `go` or `go.NAME` is there, `hostile` prints what no page may take for markup, and
`undeliverable` succeeds and can not be delivered.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.server import Server, wait_for
from tests.services.world import run

MARKUP = '<script>window.owned=1</script><img src=x onerror="window.owned=1"><b>bold</b>\'"&amp;'
ANSI = '\x1b[31mred\x1b[0m \x1b]0;title\x07'
HOSTILE = f'{MARKUP} {ANSI} \u202eright to left\u202c \x08\x0c'
LONG = 'long-' + 'x' * 3000
SECTION = '</pre></td></template></script><h1 id="escaped">out</h1>'
SECRET = 'correct-horse-battery'  # in the configuration; no page may show it

HANDLER = '''\
import drakkar.api as dk
from drakkar_sink_filesystem import FilePayload
from prometheus_client import Counter


class Town(dk.Handler):
    """Searches, fails, waits: as each message asks."""

    found = Counter('town_found', 'Things found, as <b>the town</b> counts them.', ['kind'])

    def message_label(self, message):
        return str((message.payload or {}).get('name', message.offset))

    def arrange(self, messages, pending):
        return [self.task(m, n) for m in messages for n in range(m.payload.get('tasks', 1))]

    def task(self, message, number):
        do, name = message.payload['do'], message.payload.get('name', '')
        return dk.ExecutorTask(
            args=[do, name, str(number)],
            source_offsets=[message.offset],
            labels={'request_id': name, 'pattern': do},
        )

    def on_task_complete(self, result):
        do, name = result.task.args[:2]
        self.found.labels(do).inc()
        if do == 'ok':
            self.annotate({'found': name})
        folder = 'taken' if do == 'undeliverable' else f'{do}.jsonl'
        row = {'name': name, 'lines': result.stdout.count('\\n')}
        return [FilePayload(folder, row, sink='out')]

    def on_message_complete(self, group):
        return [FilePayload('audit.jsonl', {'offset': group.source_message.offset}, sink='audit')]

    def on_error(self, task, error):
        do, name = task.args[:2]
        if do == 'replace':
            return [dk.ExecutorTask(args=['ok', name], source_offsets=task.source_offsets)]
        return {'retry': dk.RETRY, 'skip': dk.SKIP}.get(do, dk.DLQ)

    @dk.periodic(seconds=0.5)
    def sweep(self):
        pass

    @dk.periodic(seconds=0.5)
    def stumble(self):
        raise RuntimeError('stumbled <i>over</i> this')
'''

PROGRAM = """\
#!/bin/sh
case "$1" in
    wait) while [ ! -e go ] && [ ! -e "go.$2" ]; do sleep 0.05; done ;;
    fail | skip | replace) echo "no such thing: $2" >&2; exit 3 ;;
    retry) if mkdir "tried.$2" 2>/dev/null; then echo 'not yet' >&2; exit 75; fi ;;
    hostile) cat hostile.txt; cat hostile.txt >&2 ;;
esac
echo "found $2"
echo 'a note' >&2
"""

CONFIG = f"""\
[drakkar]
handler = handlers:Town
cluster_name = north & <b>south</b>

[log]
path = log
topic = requests
partitions = 4
lease_seconds = 60

[executor]
binary_path = ./program
max_executors = 3
task_timeout_seconds = 3600
kill_grace_seconds = 0.1
retry_backoff_seconds = 0.05
drain_timeout_seconds = 0.2

[executor.env]
API_TOKEN = {SECRET}

[sinks.filesystem.out]
base_path = results
ui_url = http://files.example:8000/out

[sinks.filesystem.audit]
base_path = results

[dlq]
path = dlq

[metrics]
host = 127.0.0.1
port = 0

[debug]
port = 0
flush_interval_seconds = 0.1
db_dir = recorded
ws_min_duration_ms = 0
output_min_duration_ms = 0
prometheus_url = http://prometheus.example:9099

[debug.custom_links]
Logs = http://logs.example/?worker={{worker_id}}
Graphs = http://graphs.example/?port={{metrics_port}}&ui={{debug_port}}
"""


Message = dict[str, Any]


class Worker(Server):
    """A worker of the town and its debug UI."""

    def __init__(
        self, folder: Path, name: str, *args: str, env: Mapping[str, str] = {}, port: int = 0
    ) -> None:
        more = (f'drakkar.worker_name={name}', f'debug.port={port}', *args)
        sets = [part for one in more for part in ('--set', one)]
        super().__init__(folder, *sets, env=env)
        self.name = name
        self._said = folder / f'stderr.{name}'

    def __enter__(self) -> Worker:
        super().__enter__()
        return self

    @property
    def port(self) -> int:
        return int(self.wait_for_line('running')['debug_port'])

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.port}'

    def api(self, path: str) -> Any:
        """Return what `/api/PATH` says."""
        with urllib.request.urlopen(f'{self.url}/api/{path}', timeout=10) as answer:
            return json.load(answer)

    def events(self, query: str) -> list[dict[str, Any]]:
        """Return recorded events, the newest first."""
        found: list[dict[str, Any]] = self.api(f'history?{query}')['events']
        return found

    def partitions(self) -> list[int]:
        return [p['partition'] for p in self.api('partitions')['partitions']]

    def is_settled(self) -> bool:
        """Return whether all that came is complete but the message that waits."""
        found = self.api('partitions')['partitions']
        left = sum(p['consumed'] - p['completed'] for p in found)
        behind = [p['pending'] for p in found if p['committed'] != p['high_watermark']]
        return (left, behind) == (1, [1]) and all(p['consumed'] for p in found)

    def has_recorded_all(self) -> bool:
        """Return whether the recorded events go up to what is committed."""
        for p in self.api('partitions')['partitions']:
            newest = self.events(f'event=committed&partition={p["partition"]}&limit=1')
            if [event['offset'] for event in newest] != [p['committed']]:
                return False
        return True

    def give(self, partition: int, *values: Any) -> None:
        """Put messages into one partition; a text is one that may not be JSON."""
        lines = [value if isinstance(value, str) else json.dumps(value) for value in values]
        args = ('produce', '-c', 'drakkar.ini', '--raw', '--partition', str(partition))
        outcome = run(self.folder, *args, stdin=''.join(f'{line}\n' for line in lines))
        assert outcome.code == 0, outcome.err

    def event(self, query: str) -> dict[str, Any]:
        """Wait for the first event that a query finds, and return it."""
        return wait_for(lambda: self.events(query), f'{self.name}: event {query}')[0]


def build(folder: Path) -> None:
    """Write handler, program and configuration."""
    (folder / 'handlers.py').write_text(HANDLER)
    (folder / 'drakkar.ini').write_text(CONFIG)
    (folder / 'hostile.txt').write_text(f'{HOSTILE}\n{SECTION}\n{LONG}\n')
    (folder / 'results' / 'taken').mkdir(parents=True)
    program = folder / 'program'
    program.write_text(PROGRAM)
    program.chmod(0o755)


def usual(partition: int) -> list[Message]:
    return [{'do': 'ok', 'name': f'req-{partition}-{n}'} for n in range(60)]


def special(partition: int) -> list[Message]:
    """Return a bit of everything; the last one waits."""
    made: list[Message] = [
        {'do': 'hostile', 'name': HOSTILE},
        {'do': 'ok', 'name': LONG},
        {'do': 'fan', 'name': f'fan-{partition}', 'tasks': 5},
    ]
    rest = ('fail', 'skip', 'retry', 'replace', 'undeliverable', 'wait')
    return made + [{'do': do, 'name': f'{do}-{partition}'} for do in rest]


@dataclass(frozen=True)
class Town:
    """Workers of one group. `first` has the messages that wait, `second` the others."""

    folder: Path
    first: Worker
    second: Worker


@contextmanager
def running(folder: Path) -> Iterator[Town]:
    """Run two workers on all kinds of messages; when it begins only those that wait are left."""
    build(folder)
    with ExitStack() as stack:
        first = stack.enter_context(Worker(folder, 'ragnar'))
        first.wait_for_line('running')
        second = stack.enter_context(Worker(folder, 'floki'))
        both = (first, second)
        try:
            wait_for(lambda: all(len(w.partitions()) == 2 for w in both), 'partitions shared', 60)
            for worker in both:
                with_all, other = worker.partitions()
                worker.give(with_all, *special(with_all), *usual(with_all))
                worker.give(other, *usual(other), 'no { json')
            wait_for(lambda: all(w.is_settled() for w in both), 'all but those that wait', 60)
            wait_for(lambda: all(w.has_recorded_all() for w in both), 'all of it recorded')
            yield Town(folder, first, second)
        finally:
            (folder / 'go').touch()
