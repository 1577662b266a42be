"""What a mistake is, and the texts of the configuration that mistakes change."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.services.world import HANDLER


@dataclass(frozen=True)
class Mistake:
    """A command, what is wrong around it, and its answer: the begin of each line of the message.

    `change` replaces a text of the configuration, `add` is put at its end.
    `files` are made beside it; None is a folder. `{port}` is a port that is
    taken, `{folder}` the user's folder, `{broken}` one with a package that does
    not import. With `bare` no program is in reach, not even beside the Python.
    `here` means in this process, which is faster: the command starts nothing.
    """

    says: tuple[str, ...]
    code: int = 2
    command: str = 'serve -c drakkar.ini'
    change: tuple[str, str] = ('', '')
    add: str = ''
    files: dict[str, str | None] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    stdin: str = ''
    bare: bool = False
    here: bool = False
    left: tuple[str, ...] = ()


INI = 'error: drakkar.ini:'
NAMED = 'handler = handlers:Idle'
PROGRAM = 'binary_path = /bin/cat'
LOG = 'path = log\n'
RESULTS = 'base_path = results'
PORT = 'port = 0'
DAMAGED: dict[str, str | None] = {'log': None, 'log/messages.db': 'no database ' * 400}
DUPLICATE = 'duplicate section, the first is in line 4'


def handler(text: str) -> dict[str, str | None]:
    """Return a handler's module; a method is added to the one that works."""
    return {'handlers.py': f'{HANDLER}\n{text}' if text.startswith('    def') else text}
