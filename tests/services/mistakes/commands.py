"""Mistakes around `drakkar produce` and `drakkar demo`."""

from __future__ import annotations

from tests.services.mistakes.base import DAMAGED, LOG, Mistake

# Who may write to a log makes it, before anything is read.
MADE = ('log', 'log/messages.db')

COMMANDS = {
    'produce: log below a file': Mistake(
        ('error: log directory handlers.py/log: Not a directory; [log] path must name',),
        code=3,
        command='produce -c drakkar.ini',
        change=(LOG, 'path = handlers.py/log\n'),
        stdin='{}\n',
    ),
    'produce: log is damaged': Mistake(
        ('error: log log/messages.db: is no SQLite database or is damaged (file is not a data',),
        code=3,
        command='produce -c drakkar.ini',
        files=DAMAGED,
        stdin='{}\n',
    ),
    'produce: file missing': Mistake(
        ("Error: Invalid value for '[FILE]': File 'nowhere.jsonl' does not exist.",),
        command='produce -c drakkar.ini nowhere.jsonl',
    ),
    'produce: file is a folder': Mistake(
        ("Error: Invalid value for '[FILE]': File 'folder' is a directory.",),
        command='produce -c drakkar.ini folder',
        files={'folder': None},
    ),
    'produce: no JSON': Mistake(
        (
            'stopped: 0 messages written to source log in ',
            'error: stdin line 1: not JSON: unexpected character',
        ),
        code=1,
        command='produce -c drakkar.ini',
        stdin='hello\n',
        left=MADE,
    ),
    'produce: partition that does not exist': Mistake(
        (
            'stopped: 0 messages written to source log in ',
            'error: partition 99 does not exist: the log has 0 to 7',
        ),
        command='produce -c drakkar.ini --partition 99',
        stdin='{}\n',
        left=MADE,
    ),
    'produce: no configuration': Mistake(
        ('error: no configuration file: give -c FILE, or set DK_CONFIG',),
        command='produce',
        stdin='{}\n',
    ),
    'demo: path missing': Mistake(
        ('error: --path {folder}/nowhere is not a folder',), command='demo --path nowhere'
    ),
    'demo: path is empty': Mistake(
        ('error: --path {folder}/folder has no files to search',),
        command='demo --path folder',
        files={'folder': None},
    ),
    'demo: data below a file': Mistake(
        ('error: --data handlers.py/data can not be written: Not a directory',),
        command='demo --data handlers.py/data',
    ),
    'demo: no messages': Mistake(
        ("Error: Invalid value for '--messages': 0 is not in the range",),
        command='demo --messages 0',
    ),
    'demo: port taken': Mistake(
        ('error: [metrics] port = {port}: 127.0.0.1:{port} is in use; choose a free port, or 0',),
        command='demo --metrics-port {port} --messages 3 --path .',
    ),
    'demo: ripgrep missing': Mistake(
        ('error: [drakkar] handler = ripgrep: the program rg is neither on PATH nor in {python}',),
        command='demo --messages 3 --path .',
        bare=True,
    ),
    'demo: plugin blocked': Mistake(
        ('error: {folder}/drakkar-demo/',),  # its own configuration, with the line
        command='demo --messages 3 --path .',
        env={'DK_BLOCK_PLUGINS': 'ripgrep'},
    ),
}
