"""Files, ports and programs that are not as the configuration says."""

from __future__ import annotations

from tests.services.mistakes.base import DAMAGED, LOG, PORT, PROGRAM, RESULTS, Mistake

OUTSIDE = {
    'log below a file': Mistake(
        ('error: log directory handlers.py/log: Not a directory; [log] path must name',),
        code=3,
        change=(LOG, 'path = handlers.py/log\n'),
    ),
    'log is a file': Mistake(
        ('error: log directory handlers.py: File exists; [log] path must name',),
        code=3,
        change=(LOG, 'path = handlers.py\n'),
    ),
    'log is damaged': Mistake(
        ('error: log log/messages.db: is no SQLite database or is damaged (file is not a data',),
        code=3,
        files=DAMAGED,
    ),
    'log file is a folder': Mistake(
        ('error: log log/messages.db: is a directory, expected a database file',),
        code=3,
        files={'log': None, 'log/messages.db': None},
    ),
    'results below a file': Mistake(
        (
            'error: [sinks.filesystem.out] base_path = handlers.py/results: {folder}/handlers.py '
            'is a file, expected a folder',
        ),
        change=(RESULTS, 'base_path = handlers.py/results'),
    ),
    'two sinks that can not be written': Mistake(
        (
            'error: [sinks.filesystem.out] base_path = handlers.py/results: ',
            'error: [sinks.filesystem.more] base_path = drakkar.ini: ',
        ),
        change=(RESULTS, 'base_path = handlers.py/results'),
        add='[sinks.filesystem.more]\nbase_path = drakkar.ini\n',
    ),
    'dead letters below a file': Mistake(
        ('error: [dlq] ',),
        code=3,
        change=('path = dlq', 'path = handlers.py/dlq'),
    ),
    'log lines below a file': Mistake(
        ('error: [logging] output = handlers.py/worker.log: ',),
        add='[logging]\noutput = handlers.py/worker.log\n',
    ),
    'log lines to a folder': Mistake(
        ('error: [logging] output = folder: it can not be written: Is a directory',),
        add='[logging]\noutput = folder\n',
        files={'folder': None},
    ),
    'log lines to an unknown name': Mistake(
        ('error: [logging] output = {worker}.log: only {worker_id} and {cluster_name} may',),
        add='[logging]\noutput = {worker}.log\n',
    ),
    'metrics port taken': Mistake(
        ('error: [metrics] port = {port}: 127.0.0.1:{port} is in use; choose a free port, or 0',),
        change=(PORT, 'port = {port}'),
    ),
    'metrics port taken, log lines in a file': Mistake(
        ('error: [metrics] port = {port}: 127.0.0.1:{port} is in use; choose a free port, or 0',),
        change=(PORT, 'port = {port}'),
        add='[logging]\noutput = worker.log\n',
        left=('worker.log',),
    ),
    'debug port taken': Mistake(
        ('error: [debug] port = {port}: 127.0.0.1:{port} is in use; choose a free port, or 0',),
        change=(f'[debug]\n{PORT}', '[debug]\nport = {port}'),
    ),
    'metrics host unknown': Mistake(
        ('error: [metrics] host = no-such-host.invalid: is not known; use an address of this',),
        change=('host = 127.0.0.1', 'host = no-such-host.invalid'),
    ),
    'program missing': Mistake(
        ("error: [executor] binary_path = '/usr/bin/no-such' does not exist",),
        change=(PROGRAM, 'binary_path = /usr/bin/no-such'),
    ),
    'program not in PATH': Mistake(
        ("error: [executor] binary_path = 'no-such' is not in PATH",),
        change=(PROGRAM, 'binary_path = no-such'),
    ),
    'program not executable': Mistake(
        ("error: [executor] binary_path = './handlers.py' is not executable",),
        change=(PROGRAM, 'binary_path = ./handlers.py'),
    ),
    'program is a folder': Mistake(
        ("error: [executor] binary_path = '/usr' is a directory",),
        change=(PROGRAM, 'binary_path = /usr'),
    ),
    'ripgrep missing': Mistake(
        ('error: [drakkar] handler = ripgrep: the program rg is neither on PATH nor in {python}',),
        command='serve -c drakkar.ini --set drakkar.handler=ripgrep',
        change=(PROGRAM, ''),
        bare=True,
    ),
}
