"""The one place that reaches into kafka-python 3.0: a consumer that may put off a rejoin."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CoordinatorNotAvailableError, KafkaError
from kafka.structs import OffsetAndMetadata

# The shortest wait for fetches: an answer ends it, and heartbeats do not wait for it.
_LEAST_WAIT_SECONDS = 0.05


class GroupConsumer(KafkaConsumer):
    """A consumer for one greenlet that polls and others that commit meanwhile.

    In a cooperative rebalance a member gives partitions up in two steps: it is
    told which, and it joins again without them; only then the group hands them
    on. kafka-python joins again at the next poll. While `hold()` returns true
    this one does not, so the partitions have no owner, heartbeats and fetches of
    the others go on, and what is still in work can be finished and committed.
    """

    def __init__(self, hold: Callable[[], bool], **config: Any) -> None:
        super().__init__(**config)
        self._hold = hold
        self._wants_rejoin = self._coordinator.need_rejoin
        self._coordinator.need_rejoin = self._need_rejoin
        next_poll = self._coordinator.time_to_next_poll
        # It is 0 while a heartbeat has no answer: kafka-python would ask for fetches again and
        # again, and keep a processor busy for as long as a broker is frozen.
        self._coordinator.time_to_next_poll = lambda: max(_LEAST_WAIT_SECONDS, next_poll())
        self._join = self._coordinator.join_group_async
        self._coordinator.join_group_async = self._join_group
        # Times of asking, not of reading: an answer may have waited while the process was frozen.
        self._alive_at = self._synced_at = 0.0
        heartbeat = self._coordinator.heartbeat
        _before(self._coordinator, '_process_sync_group_response', self._note_sync)
        _before(heartbeat, 'received_heartbeat', lambda: self._note_alive(heartbeat.last_send))
        _before(self._coordinator, '_enable_heartbeat', lambda: self._note_alive(self._synced_at))

    def _note_sync(self, _response: Any, asked_at: float) -> None:
        self._synced_at = asked_at

    def _note_alive(self, at: float) -> None:
        self._alive_at = at

    async def _join_group(self, timeout_ms: float | None = None) -> bool:
        """Join, with what a join that outlasted its poll has brought where there is one.

        kafka-python throws that away and joins again, and a leader that joins again calls all
        others into one more rebalance. What is as old as a session is of no use any more.
        """
        task = self._coordinator._join_task
        ended = task is not None and task.is_done
        if ended and (task.exception or self._is_recent(self._synced_at)):
            self._coordinator._join_task = self._manager.call_soon(_outcome, task)
        return bool(await self._join(timeout_ms))

    def _need_rejoin(self) -> bool:
        # A member that is no longer stable has joined already, or was thrown out.
        if self._coordinator.stable() and self._hold():
            return False
        # kafka-python asks for the reason again while a join is under way. A change of the topics
        # is none any more once the leader has seen it: the answer would be waited for by nobody,
        # and the member, whose heartbeats are off, would stay without partitions for ever.
        return bool(self._coordinator.rejoining or self._wants_rejoin())

    @property
    def settled(self) -> bool:
        """Whether this member is in its group and no rebalance is known of."""
        return bool(self._coordinator.stable() and not self._wants_rejoin())

    @property
    def evicted(self) -> bool:
        """Whether the group has thrown this member out, or it never was in."""
        return bool(self._coordinator._generation.is_lost())

    @property
    def in_doubt(self) -> bool:
        """Whether the group was not heard of for a whole session, and may have gone on alone.

        So it is after the process was frozen: brokers still answer fetches then.
        """
        return not self._is_recent(self._alive_at)

    def _is_recent(self, at: float) -> bool:
        return monotonic() - at <= float(self.config['session_timeout_ms']) / 1000

    @property
    def coordinator_known(self) -> bool:
        """Whether there is a connection to the broker that coordinates the group."""
        return not self._coordinator.coordinator_unknown()

    @property
    def broken(self) -> bool:
        """Whether nothing but a new consumer helps: the IO loop died."""
        return self._net._exception is not None

    def missing(self, topics: Iterable[str]) -> list[str]:
        """Return those of `topics` that the cluster does not have; have them looked for again."""
        missing = [t for t in topics if not self._cluster.partitions_for_topic(t)]
        if missing:
            self._cluster.request_update()
        return missing

    def refresh_metadata(self, timeout: float) -> None:
        """Ask for the topics' partitions and wait up to `timeout` seconds for the answer."""
        with contextlib.suppress(KafkaError):
            self._net.run(self._manager.wait_for, self._cluster.request_update(), timeout * 1000)

    def next_offset(self, partition: TopicPartition) -> int | None:
        """Return the offset that is read next, None while it is not known. Never waits."""
        state = self._subscription.assignment.get(partition)
        position = None if state is None else state.position
        return None if position is None else int(position.offset)

    def commit_once(self, offsets: Mapping[TopicPartition, int], timeout: float) -> None:
        """Commit in one request, from any greenlet, waiting up to `timeout` seconds.

        Without the retries of `commit`, which would go on in a later generation,
        when the partitions may have another owner. Raises KafkaError.
        """
        if not self.coordinator_known:
            raise CoordinatorNotAvailableError()
        future = self.commit_async({tp: OffsetAndMetadata(o, '', -1) for tp, o in offsets.items()})
        self._net.run(self._manager.wait_for, future, timeout * 1000)


async def _outcome(task: Any) -> Any:
    return await task


def _before(owner: Any, name: str, note: Callable[..., None]) -> None:
    """Have `note` called with the same arguments before each call of a method of `owner`."""
    original = getattr(owner, name)

    def noted(*args: Any) -> Any:
        note(*args)
        return original(*args)

    setattr(owner, name, noted)
