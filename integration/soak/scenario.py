"""What happens while the messages flow, and when."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from integration.soak.books import Report, read_books
from integration.soak.rig import Rig, wait_for

_SESSION_SECONDS = 6
_POSTGRES_AWAY_SECONDS = 20
_HTTP_FAILING_PERCENT = 30
_START_SECONDS = 120
_FINISH_SECONDS = 420
_CHUNK = 500


def soak(folder: Path, seed: int, messages: int) -> Report:
    """Run three workers through every failure of the list; return the books.

    An event comes when a part of the messages has reached the results topic; the
    seed moves each a little. Raises TimeoutError where the messages stop flowing.
    """
    rng = random.Random(seed)
    started = time.monotonic()
    report = Report(seed=seed, messages=messages, seconds=0)
    with Rig(folder) as rig:
        rig.http.rule('/results', status=500, percent=_HTTP_FAILING_PERCENT, seed=seed)
        for name in ('worker-1', 'worker-2', 'worker-3'):
            rig.workers.start(name)
        for share, event in _events(rig):
            due = int(messages * (share + rng.uniform(-0.03, 0.03)))
            _flow(rig, due, messages)
            _say(report, rig, event.__name__)
            event()
        _flow(rig, messages, messages)
        rig.flush()
        _say(report, rig, 'all produced')
        wait_for(lambda: rig.uncommitted() == 0, _FINISH_SECONDS, 'everything committed')
        _say(report, rig, 'all committed')
        report.exit_codes = rig.workers.stop()
        report.seconds = round(time.monotonic() - started, 1)
        return read_books(rig, report)


def _flow(rig: Rig, due: int, messages: int) -> None:
    """Produce a little ahead of the workers until `due` messages have come out."""
    deadline = time.monotonic() + _FINISH_SECONDS
    while True:
        try:
            arrived = rig.produced_to(f'{rig.topic}-results')
        except Exception:  # the broker is away
            arrived = 0
        if rig.sent < messages and rig.sent < arrived + 4 * _CHUNK:
            rig.produce(min(_CHUNK, messages - rig.sent))
        if arrived >= min(due, messages):
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f'{arrived} of {due} messages came out in {_FINISH_SECONDS} s')
        time.sleep(0.3)


def _say(report: Report, rig: Rig, what: str) -> None:
    line = f'{rig.sent} sent: {what.replace("_", " ")}'
    report.events.append(line)
    print(line, file=sys.stderr, flush=True)


def _events(rig: Rig) -> list[tuple[float, Callable[[], None]]]:
    """The failures, each with the share of the messages after which it comes."""

    def a_worker_is_killed() -> None:
        rig.workers.kill('worker-1')
        time.sleep(2)
        rig.workers.start('worker-1')
        wait_for(lambda: rig.workers.is_running('worker-1'), _START_SECONDS, 'worker-1 runs again')

    def a_worker_stands_still_past_its_session() -> None:
        rig.workers.processes['worker-2'].send_signal(signal.SIGSTOP)
        time.sleep(_SESSION_SECONDS + 4)
        rig.workers.processes['worker-2'].send_signal(signal.SIGCONT)

    def a_worker_is_added() -> None:
        rig.workers.start('worker-4')
        wait_for(lambda: rig.workers.is_running('worker-4'), _START_SECONDS, 'worker-4 runs')

    def the_broker_restarts() -> None:
        rig.kafka.restart()

    def postgres_is_away() -> None:
        rig.postgres.stop()
        time.sleep(_POSTGRES_AWAY_SECONDS)
        rig.postgres.start()

    def redis_is_killed() -> None:
        rig.redis.kill()
        time.sleep(3)
        rig.redis.start()

    return [
        (0.10, a_worker_is_killed),
        (0.25, a_worker_stands_still_past_its_session),
        (0.40, a_worker_is_added),
        (0.50, the_broker_restarts),
        (0.65, postgres_is_away),
        (0.80, redis_is_killed),
    ]
