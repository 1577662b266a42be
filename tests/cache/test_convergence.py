"""Random operations, restarts, crashes, clock jumps and cut syncs against a model of causes.

The model knows for each write which ones its writer saw at the time: those are over. In the end
all must agree on one of the writes that nobody has seen and replaced.
"""

from __future__ import annotations

import itertools
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from drakkar.cache import sync
from drakkar.contracts.cache import Scope
from tests.cache.world import world

SCOPES = {'c1': Scope.CLUSTER, 'c2': Scope.CLUSTER, 'g': Scope.GLOBAL, 'l': Scope.LOCAL}
KEYS = st.sampled_from(sorted(SCOPES))
PAIR = st.tuples(st.integers(0, 2), st.integers(0, 2))
real_find_files = sync.find_files


@dataclass
class Write:
    """A value, or a deletion for which `value` is None."""

    key: str
    worker: int
    value: Any
    expires_at: float | None = None
    seen: list[Any] = field(default_factory=list)
    safe: bool = False


class Peers(RuleBasedStateMachine):
    """Workers 0 and 1 are of one cluster; a third one is of another."""

    clusters = ('blue', 'blue')

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.caches: list[Any] = []
        self.writes: list[Write] = []
        self.cut: set[tuple[str, str]] = set()
        self.latest = 0.0
        self.numbers = itertools.count()

    @initialize()
    def begin(self) -> None:
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.world = self.stack.enter_context(world(Path(folder)))
        self.caches += [self._start(number) for number in range(len(self.clusters))]
        sync.find_files = self._find_files

    def _start(self, number: int) -> Any:
        return self.world.cache(f'w{number}', self.clusters[number], max_memory_entries=2)

    def _find_files(self, folder: Path, own: Path) -> list[Path]:
        return [
            p for p in real_find_files(folder, own) if (own.name[:2], p.name[:2]) not in self.cut
        ]

    def teardown(self) -> None:
        try:
            self.check_agreement()
        finally:
            sync.find_files = real_find_files
            self.stack.close()

    def pick(self, number: int) -> int:
        return number % len(self.clusters)

    # What happens

    @rule(number=st.integers(0, 2), key=KEYS, ttl=st.sampled_from([None, None, 5, 500]))
    def set(self, number, key, ttl):
        number = self.pick(number)
        cache = self.caches[number]
        write = Write(key, number, [key, number, next(self.numbers)], seen=[cache.get(key)])
        now = self.world.now + self.world.skew[f'w{number}']
        write.expires_at = None if ttl is None else now + ttl
        cache.set(key, write.value, ttl=ttl, scope=SCOPES[key])
        assert cache.peek(key) == write.value
        self.writes.append(write)

    @rule(number=st.integers(0, 2), key=KEYS)
    def delete(self, number, key):
        number = self.pick(number)
        cache = self.caches[number]
        self.writes.append(Write(key, number, None, seen=[cache.get(key)]))
        cache.delete(key)
        assert cache.get(key) is None

    @rule(number=st.integers(0, 2))
    def flush(self, number):
        number = self.pick(number)
        self.caches[number].flush()
        self._safe(number)

    def _safe(self, number: int) -> None:
        for write in self.writes:
            write.safe |= write.worker == number

    @rule(number=st.integers(0, 2))
    def sync(self, number):
        self.caches[self.pick(number)].sync()

    @rule(number=st.integers(0, 2))
    def clean(self, number):
        self.caches[self.pick(number)].clean()

    @rule(number=st.integers(0, 2))
    def restart(self, number):
        number = self.pick(number)
        self.caches[number].stop()
        self._safe(number)
        self.caches[number] = self._start(number)

    @rule(number=st.integers(0, 2))
    def crash(self, number):
        number = self.pick(number)
        self.world.crash(self.caches[number])
        self.writes = [w for w in self.writes if w.safe or w.worker != number]
        self.caches[number] = self._start(number)

    @rule(seconds=st.sampled_from([0.0005, 1, 10, 600]))
    def time_passes(self, seconds):
        self.world.now += seconds

    @rule(number=st.integers(0, 2), skew=st.sampled_from([-3600, -1, 0, 1, 3600]))
    def clock_jumps(self, number, skew):
        self.world.skew[f'w{self.pick(number)}'] = skew

    @rule(pair=PAIR)
    def cut_or_mend(self, pair):
        self.cut ^= {(f'w{pair[0]}', f'w{pair[1]}')}

    # What holds

    @invariant()
    def clocks_are_noted(self):
        """A value may expire by any worker's clock."""
        if self.caches:
            ahead = max(self.world.skew.values(), default=0.0)
            self.latest = max(self.latest, self.world.now + max(0.0, ahead))

    @invariant()
    def nobody_sees_what_is_not_meant_for_him(self):
        for number, cache in enumerate(self.caches):
            for key, scope in SCOPES.items():
                value = cache.peek(key)
                if value is not None:
                    self._check_reader(scope, value[1], number)

    def _check_reader(self, scope: Scope, writer: int, reader: int) -> None:
        if scope is Scope.LOCAL:
            assert writer == reader
        elif scope is Scope.CLUSTER:
            assert self.clusters[writer] == self.clusters[reader]

    def check_agreement(self) -> None:
        self.cut.clear()
        self.world.skew.clear()
        for cache in self.caches:
            cache.flush()
        for cache in self.caches:
            cache.sync()
        for key, scope in SCOPES.items():
            for readers in self._groups(scope):
                values = [self._lasting(self.caches[reader].get(key)) for reader in readers]
                assert all(value == values[0] for value in values), (key, values)
                assert values[0] in self._possible(key, readers), (key, values)

    def _groups(self, scope: Scope) -> list[list[int]]:
        """Return the workers that must agree."""
        everybody = list(range(len(self.caches)))
        if scope is Scope.GLOBAL:
            return [everybody]
        if scope is Scope.LOCAL:
            return [[number] for number in everybody]
        names = sorted(set(self.clusters))
        return [[n for n in everybody if self.clusters[n] == name] for name in names]

    def _possible(self, key: str, writers: list[int]) -> list[Any]:
        writes = [w for w in self.writes if w.key == key and w.worker in writers]
        over = [value for write in writes for value in write.seen if value is not None]
        last = [w for w in writes if w.value is None or w.value not in over]
        return [self._lasting(write.value) for write in last] or [None]

    def _lasting(self, value: Any) -> Any:
        """Return the value, or None where it has expired by anybody's clock at any time.

        Lifetimes are by the clocks of the machines: one whose clock is ahead forgets earlier.
        """
        ends = [w.expires_at for w in self.writes if w.value == value and w.expires_at is not None]
        return None if ends and self.latest >= min(ends) else value


class ThreePeers(Peers):
    clusters = ('blue', 'blue', 'red')


class ThreeOfOneCluster(Peers):
    clusters = ('blue', 'blue', 'blue')


def converge(machine: type[Peers], examples: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


@pytest.mark.parametrize('machine', [Peers, ThreePeers, ThreeOfOneCluster])
def test_all_agree_after_all_is_synced(machine):
    converge(machine, examples=10)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize('machine', [Peers, ThreePeers, ThreeOfOneCluster])
def test_all_agree_after_a_long_time_too(machine):
    converge(machine, examples=50)
