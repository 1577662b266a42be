"""One `drakkar dlq replay`: the letters that are meant, looked at ahead or replayed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drakkar.cli.dlq.bookmark import open_bookmark, scratch_copy
from drakkar.cli.dlq.filters import Filters
from drakkar.cli.dlq.letters import Letter, read_letters
from drakkar.cli.dlq.progress import progress
from drakkar.cli.dlq.replayer import Replayer, Rules
from drakkar.cli.dlq.tally import Tally
from drakkar.cli.dlq.targets import Targets
from drakkar.cli.dlq.text import one_line
from drakkar.contracts.source import DeadLetterReader, StreamEnd


@dataclass(frozen=True, slots=True)
class ReplayJob:
    """What is to be replayed: letters stored before `ends` that filters and `ids` mean.

    Without `ids` all are meant. `again` takes also what earlier runs replayed.
    """

    reader: DeadLetterReader
    ends: Mapping[str, StreamEnd]
    filters: Filters
    ids: frozenset[str]
    rules: Rules
    bookmark: Path
    again: bool = False

    def plan(self, tally: Tally, planned: Callable[[str, Letter], None] | None = None) -> None:
        """Count in `tally` what a run would do, and tell of each message; change nothing."""

        def replayed(topic: str, letters: Sequence[Letter]) -> None:
            for letter in letters if planned else ():
                planned(topic, letter)  # type: ignore[misc]

        rules = dataclasses.replace(self.rules, rate=None)
        with scratch_copy(self.bookmark) as bookmark:
            bookmark.begin(self.ends, again=self.again)
            replayer = Replayer(rules, bookmark, lambda *_: None, tally, replayed)
            replayer.run(self._letters(tally))

    def run(self, targets: Targets, tally: Tally, total: int | None = None) -> None:
        """Do it, with a bar where `total` messages are expected.

        Where this raises, what `tally` holds is done, and the bookmark knows it.
        """
        with open_bookmark(self.bookmark) as bookmark, progress(total) as advance:
            bookmark.begin(self.ends, again=self.again)
            replayer = Replayer(
                self.rules,
                bookmark,
                targets.write,
                tally,
                lambda _, letters: advance(len(letters)),
            )
            replayer.run(self._letters(tally))

    def _letters(self, tally: Tally) -> Iterator[Letter]:
        missing = set(self.ids)
        for letter in read_letters(self.reader, self.ends, tally.foreign):
            missing.discard(letter.id)
            if self.filters.match(letter.envelope) and (not self.ids or letter.id in self.ids):
                yield letter
        for name in sorted(missing):
            tally.leave(name, one_line(name), 'there is no such letter')
