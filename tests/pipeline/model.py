"""A world that goes wrong at random, and what must hold in it nevertheless.

Messages say themselves which payloads must come of them (`keys`), so whatever
the pipeline does, it can be seen whether a committed message is safe.
"""

from __future__ import annotations

import contextlib
import random
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import gevent

import drakkar.api as dk
from drakkar.contracts.source import DeadLetterQueue
from drakkar.errors import DeadLetterError, DrainTimeoutError, RefusedError, SourceError
from drakkar.models.delivery import CancelScope, DeadLetter
from drakkar.models.message import TopicPartition
from drakkar.pipeline.processor import PartitionProcessor
from drakkar.source.memory import MemorySource
from drakkar.testing import WorkerHarness
from tests.pipeline.handlers import Out, shell


class Other(dk.Payload):
    """For a second sink, so that payloads of one message overtake each other."""

    sink_type = 'other'


Key = tuple[Any, ...]
Place = tuple[int, int]

KINDS = ['plain', 'fast', 'slow', 'empty', 'bad', 'fan-out', 'fails', 'flaky', 'raises']
KINDS += ['fan-in'] * 3


class World:
    """What outlives a worker: the log, what arrived in the sink and in the dead letter queue."""

    def __init__(self, seed: int, partitions: int) -> None:
        self.random = random.Random(seed)
        self.calm = False
        self.partitions = partitions
        self.delivered: set[Key] = set()
        self.skipped: set[Key] = set()
        self.lettered: set[Place] = set()
        self.keys: dict[Place, list[Key]] = {}
        self.problems: list[str] = []
        self.current: dict[int, CancelScope] = {}

    def chance(self, probability: float) -> bool:
        return not self.calm and self.random.random() < probability

    def wait_a_little(self) -> None:
        if self.chance(0.3):
            gevent.sleep(self.random.random() * 0.01)

    def check_committed(self, partition: int, before: int, after: int) -> None:
        """Everything below a committed offset must be safe, at that very moment."""
        for offset in range(before, after):
            place = (partition, offset)
            if place in self.lettered:
                continue
            missing = set(self.keys[place]) - self.delivered - self.skipped
            if missing:
                self.problems.append(f'{place} was committed without {missing}')


world: World  # of the test that runs; handlers are made by the worker, without arguments


class WorldHandler(dk.Handler):
    """Does what messages say; its hooks wait, raise and decide at random."""

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        scope = world.current[messages[0].partition]
        world.wait_a_little()
        if world.chance(0.1):
            raise RuntimeError('arrange at random')
        shared = [m for m in messages if m.payload['kind'] == 'fan-in']
        tasks = [self._task(m, key, scope) for m in messages for key in self._task_keys(m)]
        if shared:
            world.random.shuffle(shared)
            task = shell('echo shared', [m.offset for m in shared])
            task.metadata.update(scope=scope, keys=[('in', m.partition, m.offset) for m in shared])
            tasks.append(task)
        del messages[:]  # type: ignore[attr-defined]  # a list of the handler's own
        return tasks

    def _task_keys(self, message: dk.SourceMessage) -> list[Key]:
        keys = world.keys[message.partition, message.offset]
        return [key for key in keys if key[0] == 'task']

    def _task(self, message: dk.SourceMessage, key: Key, scope: CancelScope) -> dk.ExecutorTask:
        kind = message.payload['kind']
        script = {'slow': 'sleep 0.05', 'fails': 'exit 3', 'flaky': f'exit {key[3] % 2}'}.get(kind)
        task = shell(script or 'true', [message.offset])
        if kind in ('fast', 'fan-out'):
            task.precomputed = dk.PrecomputedResult('done')
        task.metadata.update(scope=scope, keys=[key])
        return task

    def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload]:
        world.wait_a_little()
        keys, scope = result.task.metadata['keys'], result.task.metadata['scope']
        if any(key[-1] == 'raises' for key in keys) and world.chance(0.7):
            raise SystemExit('on_task_complete at random')
        return [Other((key, scope)) for key in keys]

    def on_error(self, task: dk.ExecutorTask, error: dk.ExecutorError) -> Any:
        world.wait_a_little()
        answer = world.random.choice(['retry', 'skip', 'dlq', 'replace', 'raise'])
        if answer == 'raise':
            raise RuntimeError('on_error at random')
        if answer == 'skip':
            world.skipped.update(task.metadata['keys'])
        if answer == 'replace':
            replacement = shell('true', [])
            replacement.metadata.update(task.metadata)
            return [replacement]
        return {'retry': dk.RETRY, 'skip': dk.SKIP, 'dlq': dk.DLQ}[answer]

    def on_message_complete(self, group: dk.MessageGroup) -> list[dk.Payload]:
        world.wait_a_little()
        message = group.source_message
        if world.chance(0.05):
            raise gevent.Timeout(0.1)
        return [Out((('message', message.partition, message.offset), None))]

    def on_delivery_error(self, error: dk.DeliveryFailure) -> dk.Action:
        action = world.random.choice([dk.RETRY, dk.RETRY, dk.DLQ, dk.SKIP])
        if action is dk.SKIP:
            world.skipped.update(payload.data[0] for payload in error.payloads)
        return action


class WindowHandler(WorldHandler):
    """The same, with windows whose messages complete together."""

    def on_window_complete(
        self, results: Sequence[dk.ExecutorResult], messages: Sequence[dk.SourceMessage]
    ) -> list[dk.Payload]:
        world.wait_a_little()
        if world.chance(0.05):
            raise RuntimeError('on_window_complete at random')
        return [Out((('window', m.partition, m.offset), None)) for m in messages]


def keys_of(kind: str, partition: int, offset: int, windows: bool) -> list[Key]:
    """Return the payloads that must come of a message."""
    if kind == 'bad':
        return [('nothing, but a letter', partition, offset)]
    tasks = {'fan-out': 12, 'empty': 0, 'fan-in': 0}.get(kind, 1)
    keys: list[Key] = [('task', partition, offset, i, kind) for i in range(tasks)]
    if kind == 'fan-in':
        keys.append(('in', partition, offset))
    keys.append(('message', partition, offset))
    if windows:
        keys.append(('window', partition, offset))
    return keys


class WorldProcessor(PartitionProcessor):
    """Lets payloads know by which assignment they were made."""

    def __init__(self, partition: TopicPartition, parts: Any) -> None:
        super().__init__(partition, parts)
        world.current[partition.partition] = self._scope


class Flaky(list[BaseException]):
    """The `failures` of a captured sink: checks what is delivered, and fails at random."""

    def __init__(self, errors: Sequence[BaseException]) -> None:
        super().__init__(errors)

    def __bool__(self) -> bool:
        return world.chance(0.25)

    def pop(self, index: Any = -1) -> BaseException:
        return world.random.choice(self)


class Arrivals(list[dk.Payload]):
    """The `payloads` of a captured sink: sees what assignment each comes from."""

    def __iadd__(self, payloads: Any) -> Any:
        for payload in payloads:
            key, scope = payload.data
            if scope is not None and scope.cancelled:
                world.problems.append(f'{key} was delivered by an assignment that was given up')
            world.delivered.add(key)
        return self


class Letters(DeadLetterQueue):
    def send(self, letters: Sequence[DeadLetter]) -> None:
        world.wait_a_little()
        if world.chance(0.3):
            raise DeadLetterError('at random')
        world.lettered.update((x.message.partition, x.message.offset) for x in letters)


class WorldSource(MemorySource):
    """Fails at random; commits take time, and are looked at."""

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        world.wait_a_little()
        if world.chance(0.2):
            raise SourceError('commit at random')
        before = dict(self.committed)
        try:
            super().commit(offsets)
        finally:
            for tp, offset in self.committed.items():
                world.check_committed(tp.partition, before.get(tp, 0), offset)
        world.wait_a_little()

    def poll(self, max_messages: int, timeout: float) -> list[dk.SourceMessage]:
        if world.chance(0.02):
            raise SourceError('poll at random')
        return super().poll(max_messages, timeout)


class Run:
    """One world with one worker after the other in it."""

    def __init__(self, seed: int, handler: type[WorldHandler], partitions: int = 4) -> None:
        global world
        world = self.world = World(seed, partitions)
        self._handler = handler
        self._source = WorldSource(partitions)
        self.worker = self._start()
        self._gone: deque[int] = deque()

    def _start(self) -> WorkerHarness:
        chosen = self.world.random
        config = {
            'executor': {
                'max_executors': 3,
                'window_size': chosen.choice([1, 3, 10]),
                'max_retries': 1,
                'retry_backoff_seconds': 0.001,
                'retry_backoff_max_seconds': 0.01,
                'drain_timeout_seconds': chosen.choice([0.0, 0.05, 2.0]),
                'backpressure_high_multiplier': chosen.choice([2, 30]),
                'backpressure_low_multiplier': 1,
            },
            'sinks': {
                'max_retries': 2,
                'retry_backoff_seconds': 0.001,
                'retry_backoff_max_seconds': 0.01,
            },
            'dlq': {'retry_backoff_seconds': 0.001, 'retry_backoff_max_seconds': 0.01},
            'source': {'commit_interval_ms': 2, 'error_backoff_seconds': 0.001},
        }
        worker = WorkerHarness(self._handler, config=config, sinks=[Out, Other], partitions=0)
        old, source = self._source, WorldSource(self.world.partitions)
        source.log, source.committed = old.log, old.committed
        self._source = source
        self._put_in(worker, source)
        worker.__enter__()
        return worker

    def _put_in(self, worker: WorkerHarness, source: WorldSource) -> None:
        """Replace the two ends of the harness by those of the world."""
        parts = worker.worker.parts
        worker.source = source
        for part in (parts, parts.loop, parts.assignment, parts.committer, parts.observatory):
            setattr(part, 'source' if part is parts else '_source', source)
        parts.dead_letters = Letters()
        parts.router._dead_letters._queue = parts.dead_letters
        for sink in worker.sinks.values():
            sink.idempotent = False  # no quick retries: each `deliver` is a decision of its own
            sink.payloads = Arrivals()
            sink.failures = Flaky([ConnectionError('x'), RefusedError('x'), ValueError('x')])

    # What happens

    def send(self) -> None:
        chosen = self.world.random
        windows = self._handler is WindowHandler
        partition = chosen.randrange(self.world.partitions)
        for _ in range(chosen.randint(1, 12)):
            kind = chosen.choice(KINDS)
            offset = len(self._source.log[partition])
            self.world.keys[partition, offset] = keys_of(kind, partition, offset, windows)
            value = b'{' if kind == 'bad' else b'{"kind": "%s"}' % kind.encode()
            self._source.append(value, partition)

    def take_away(self) -> None:
        """Revoke or lose a partition that is owned."""
        chosen = self.world.random
        owned = [p for p in self._source._position if p not in self._source._revoking]
        if owned:
            partition = chosen.choice(owned)
            (self._source.revoke if chosen.random() < 0.5 else self._source.lose)(partition)

    def give_back(self) -> None:
        """Assign a partition that is not owned, or is being given up."""
        source = self._source
        away = [
            p
            for p in range(self.world.partitions)
            if p not in source._position or p in source._revoking
        ]
        if away:
            source.assign(self.world.random.choice(away))

    def restart(self) -> None:
        with contextlib.suppress(DrainTimeoutError):
            self.worker.stop()
        self.worker = self._start()

    def step(self) -> None:
        chosen = self.world.random
        what = chosen.choices(
            [self.send, self.take_away, self.give_back, self.restart], [10, 3, 4, 0.3]
        )[0]
        what()
        gevent.sleep(chosen.random() * 0.02)

    def settle(self) -> None:
        """Let all be calm, and wait until every message is done with."""
        self.world.calm = True
        source = self._source
        for partition in range(self.world.partitions):
            if partition not in source._position or partition in source._revoking:
                source.assign(partition)
        self.worker.wait_for(self._all_committed)
        self.worker.wait_for(lambda: not self.worker.worker.snapshot().total_queued)

    def _all_committed(self) -> bool:
        assert not self.world.problems, self.world.problems
        committed = self.worker.committed
        return all(
            committed.get(p, 0) == len(messages) for p, messages in enumerate(self._source.log)
        )
