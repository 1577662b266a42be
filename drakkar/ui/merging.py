"""The one merge of recorder files that may be under way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from drakkar.recorder.merge import MergeError
from drakkar.ui.errors import HttpError


@dataclass(slots=True)
class Merging:
    """A merge under way. `wanted` becomes false when nobody waits for it any more."""

    files: int
    started_at: float
    done: int = 0
    total: int = 0
    wanted: bool = True

    def heard(self, done: int, total: int) -> None:
        """Note the progress; called in the native thread. Raises MergeError to end it."""
        self.done, self.total = done, total
        if not self.wanted:
            raise MergeError('the merge was given up')


class Merger:
    """Merges files of one folder, one merge at a time."""

    def __init__(self) -> None:
        self.current: Merging | None = None

    @contextmanager
    def begin(self, files: int) -> Iterator[Merging]:
        """Give the merge that begins now. Raises HttpError(503) while there is another one."""
        if self.current is not None:
            raise HttpError(503, 'another merge is under way; try again later', 'capacity')
        self.current = merging = Merging(files, time.time())
        try:
            yield merging
        finally:
            merging.wanted = False
            self.current = None
