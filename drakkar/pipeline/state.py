"""What is remembered of messages, tasks and windows in flight."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from drakkar.contracts.executor import TaskHandle
from drakkar.models.group import MessageGroup
from drakkar.models.message import SourceMessage
from drakkar.models.task import ExecutorResult, ExecutorTask


class MessageState:
    """One message in flight.

    `open_tasks` counts its tasks that are not terminal. `holds` counts what
    keeps its offset from completing: one for the message itself until all its
    hooks have run, and one for each submission to delivery.
    """

    __slots__ = ('group', 'holds', 'message', 'open_tasks', 'window')

    def __init__(self, message: SourceMessage, window: Window | None = None) -> None:
        self.message = message
        self.window = window
        self.group: MessageGroup | None = None
        self.open_tasks = 0
        self.holds = 1


class Window:
    """The messages of one `arrange` call.

    `results` is kept only for handlers that have `on_window_complete`; theirs
    are also the only windows that hold all their messages until the end.
    """

    __slots__ = ('messages', 'open_messages', 'results', 'started', 'states')

    def __init__(self, messages: Sequence[SourceMessage], started: float) -> None:
        self.messages = messages
        self.started = started
        self.states = {m.offset: MessageState(m, self) for m in messages}
        self.open_messages = len(messages)
        self.results: list[ExecutorResult] = []


class TaskRun:
    """One task on its way, over all its attempts."""

    __slots__ = ('attempt', 'handle', 'states', 'task', 'window')

    def __init__(self, task: ExecutorTask, states: Sequence[MessageState], window: Window) -> None:
        self.task = task
        self.states = states
        self.window = window
        self.attempt = 1
        self.handle: TaskHandle | None = None


class Hold:
    """Keeps messages from completing while a delivery is under way; call it to let go."""

    __slots__ = ('_release', '_states')

    def __init__(
        self, states: Sequence[MessageState], release: Callable[[MessageState], None]
    ) -> None:
        for state in states:
            state.holds += 1
        self._states = states
        self._release = release

    def __call__(self) -> None:
        for state in self._states:
            self._release(state)
