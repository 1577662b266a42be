"""A board whose clock and pool a test moves, and a client that follows it."""

from __future__ import annotations

from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.payload import Payload
from drakkar.models.snapshot import PoolSnapshot
from drakkar.models.task import ExecutorError, ExecutorResult, ExecutorTask, FailureKind
from drakkar.recorder.live import LiveBoard

P3 = TopicPartition('requests', 3)
START = 1_700_000_000.0


class Out(Payload):
    sink_type = 'kafka'


def message(offset: int) -> SourceMessage:
    return SourceMessage('requests', 3, offset, b'{}')


def task(offset: int = 7, **fields: object) -> ExecutorTask:
    made = ExecutorTask(source_offsets=[offset], **fields)
    made.origin, made.partition = made.origin or 'kafka', 3
    return made


class World:
    def __init__(self, min_duration: float = 0.5, bars: int = 10_000) -> None:
        self.now = START
        self.busy: set[int] = set()
        self.idle = 12.5
        self.board = LiveBoard(
            self.pool, lambda m: m.label, min_duration, bars=bars, clock=lambda: self.now
        )

    def pool(self) -> PoolSnapshot:
        return PoolSnapshot(4, len(self.busy), 2, self.idle, sorted(self.busy))

    def start(self, made: ExecutorTask, slot: int = 0) -> None:
        self.busy.add(slot)
        self.board.task_started(made, slot, 100 + slot, 0.0, 0.0)

    def complete(self, made: ExecutorTask, duration: float, slot: int = 0) -> None:
        self.busy.discard(slot)
        result = ExecutorResult(made, duration_seconds=duration, slot=slot, pid=100 + slot)
        self.board.task_completed(result)

    def fail(
        self,
        made: ExecutorTask,
        duration: float,
        slot: int = 0,
        kind: FailureKind = FailureKind.EXIT,
        **fields: object,
    ) -> None:
        self.busy.discard(slot)
        error = ExecutorError(made, kind, duration_seconds=duration, slot=slot, **fields)
        self.board.task_failed(error, 'dlq')

    def bars(self) -> list[dict]:
        return self.board.snapshot()['bars']


class Client:
    """Keeps what the page keeps, by the rules that its script follows."""

    def __init__(self, snapshot: dict) -> None:
        self.begin(snapshot)

    def begin(self, snapshot: dict) -> None:
        self.revision = snapshot['revision']
        self.limits = snapshot['limits']
        self.bars = {bar['id']: bar for bar in snapshot['bars']}
        self.arranged = snapshot['arranged']
        self.collected = snapshot['collected']
        self.earlier = snapshot['earlier']

    def apply(self, delta: dict) -> None:
        assert delta['since'] <= self.revision, 'a gap'
        self.bars |= {bar['id']: bar for bar in delta['bars']}
        self.arranged = self._merged(self.arranged, delta['arranged'])
        self.collected = self._merged(self.collected, delta['collected'])
        self.revision = delta['revision']

    def follow(self, board: LiveBoard, since: int | None = None) -> None:
        """Ask for what changed since it last did, or since then, and start anew after a gap."""
        delta = board.delta(self.revision if since is None else since)
        if delta['since'] > self.revision:
            self.begin(board.snapshot())
        else:
            self.apply(delta)

    def fill(self, page: dict) -> None:
        self.bars = {bar['id']: bar for bar in page['bars']} | self.bars
        self.earlier = page['earlier']

    def _merged(self, old: list[dict], new: list[dict]) -> list[dict]:
        calls = {call['revision']: call for call in (*old, *new)}
        return [calls[n] for n in sorted(calls)][-self.limits['calls'] :]

    def state(self) -> tuple[object, ...]:
        bars = sorted(self.bars.values(), key=lambda bar: bar['revision'])
        over = [bar for bar in bars if bar['end']][-self.limits['bars'] :]
        running = [bar for bar in bars if not bar['end']]
        return over, running, self.arranged, self.collected
