"""Handlers for the tests of the probe, and the footprint that it must not leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gevent

import drakkar.api as dk
from drakkar.contracts.observer import Observer
from tests.pipeline.handlers import Out, ShellHandler


class Everything(ShellHandler):
    """Has every hook, and each of them returns a payload and annotates."""

    def message_label(self, message: dk.SourceMessage) -> str:
        return f'request {message.payload["name"]}'

    def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload]:
        self.annotate({'hook': 'task'})
        return [Out({'said': result.stdout})]

    def on_message_complete(self, group: dk.MessageGroup) -> list[dk.Payload]:
        gevent.spawn(self.annotate, {'hook': 'message'}).join()
        return [Out({'tasks': group.total}), Out({'failed': group.failed})]

    def on_window_complete(
        self, results: Sequence[dk.ExecutorResult], messages: Sequence[dk.SourceMessage]
    ) -> list[dk.Payload]:
        self.offload(self.annotate, {'hook': 'window'})
        return [Out({'messages': len(messages)})]


class Everyone(Observer):
    """Remembers every event that any observer of the worker hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []


def _hear(name: str) -> Any:
    def event(self: Everyone, *args: Any, **kwargs: Any) -> None:
        self.heard.append(name)

    return event


for _name in [name for name in vars(Observer) if not name.startswith('_')]:
    setattr(Everyone, _name, _hear(_name))
