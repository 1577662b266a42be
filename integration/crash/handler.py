"""The handler of the crash test: short programs of varying length, one line out for each."""

from __future__ import annotations

from collections.abc import Sequence

import drakkar.api as dk
from drakkar_sink_filesystem import FilePayload


class EchoHandler(dk.Handler):
    """Two tasks a message, so that a message is more than a program."""

    def arrange(
        self, messages: Sequence[dk.SourceMessage], pending: dk.PendingContext
    ) -> list[dk.ExecutorTask]:
        return [
            dk.ExecutorTask(
                binary_path='/bin/sh',
                args=[
                    '-c',
                    f'sleep {message.payload["seconds"]}; echo {message.payload["id"]}.{n}',
                ],
                source_offsets=[message.offset],
            )
            for message in messages
            for n in range(2)
        ]

    def on_task_complete(self, result: dk.ExecutorResult) -> list[dk.Payload]:
        return [FilePayload('tasks.jsonl', {'id': result.stdout.strip()})]

    def on_message_complete(self, group: dk.MessageGroup) -> list[dk.Payload]:
        return [FilePayload('messages.jsonl', {'id': group.source_message.payload['id']})]
