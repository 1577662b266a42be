"""Mistakes in handlers, sources, sinks and plugins."""

from __future__ import annotations

from tests.services.mistakes.base import INI, NAMED, Mistake, handler

IDLE = f'{INI}2: [drakkar] handler = handlers:Idle:'

PLUGINS = {
    'handler missing': Mistake(
        (f'{INI}1: [drakkar] handler: missing, it is required; expected text (Handler: the name',),
        change=(NAMED, ''),
    ),
    'handler empty': Mistake(
        (f'{INI}2: [drakkar] handler = : expected text, not nothing',), change=(NAMED, 'handler =')
    ),
    'handler unknown': Mistake(
        (
            f'{INI}2: [drakkar] handler = ripgrap: no plugin registers a handler of this name, '
            "did you mean 'ripgrep'? known: ",
        ),
        change=(NAMED, 'handler = ripgrap'),
    ),
    'check: handler unknown': Mistake(
        (f'{INI}2: [drakkar] handler = ripgrap: no plugin registers a handler of this name',),
        command='config check -c drakkar.ini',
        change=(NAMED, 'handler = ripgrap'),
    ),
    'handler module missing': Mistake(
        (
            f"{INI}2: [drakkar] handler = handler:Idle: module 'handler' can not be imported: "
            "ModuleNotFoundError: No module named 'handler'",
        ),
        change=(NAMED, 'handler = handler:Idle'),
    ),
    'handler class missing': Mistake(
        (
            f"{INI}2: [drakkar] handler = handlers:Idel: module 'handlers' ({{folder}}/handlers.py)"
            " has no 'Idel', did you mean 'Idle'?",
        ),
        change=(NAMED, 'handler = handlers:Idel'),
    ),
    'handler without its class': Mistake(
        (f'{INI}2: [drakkar] handler = handlers:: an import path reads package.module:Class',),
        change=(NAMED, 'handler = handlers:'),
    ),
    'handler does not import': Mistake(
        (
            f"{IDLE} module 'handlers' can not be imported: "
            "ModuleNotFoundError: No module named 'no_such_module'",
        ),
        files=handler('import no_such_module\n'),
    ),
    'handler ends the program at import': Mistake(
        (f"{IDLE} module 'handlers' can not be imported: SystemExit: bye",),
        files=handler('import sys\nsys.exit("bye")\n'),
    ),
    'handler is no Python': Mistake(
        (f"{IDLE} module 'handlers' can not be imported: SyntaxError: invalid syntax",),
        files=handler('class Idle(:\n'),
    ),
    'handler without arrange': Mistake(
        (f'{IDLE} Idle does not define arrange(self, messages, pending)',),
        files=handler('import drakkar.api as dk\nclass Idle(dk.Handler):\n    depth = 1\n'),
    ),
    'handler of another kind': Mistake(
        (f'{IDLE} Idle is not a subclass of drakkar.api.Handler',),
        files=handler('class Idle:\n    depth = 1\n'),
    ),
    'handler without options': Mistake(
        (f'{INI}24: [handler] depth: unknown option; known: none',), add='[handler]\ndepth = 3\n'
    ),
    'handler can not be made': Mistake(
        ('error: __init__ of Idle raised RuntimeError: no model file',),
        code=1,
        files=handler('    def __init__(self):\n        raise RuntimeError("no model file")\n'),
    ),
    'on_startup raises': Mistake(
        (
            "error: on_startup of Idle raised AttributeError: there is no option 'exec', "
            "did you mean 'executor'?",
        ),
        code=1,
        files=handler('    def on_startup(self, config):\n        return config.exec\n'),
    ),
    'on_startup returns something else': Mistake(
        ('error: on_startup of Idle returned 3; it must return the configuration it was given',),
        code=1,
        files=handler('    def on_startup(self, config):\n        return 3\n'),
    ),
    'on_ready raises': Mistake(
        ('error: on_ready of Idle raised RuntimeError: no model file',),
        code=1,
        files=handler(
            '    def on_ready(self, context):\n        raise RuntimeError("no model file")'
        ),
    ),
    'source unknown': Mistake(
        (
            f'{INI}3: [drakkar] source = logs: no plugin registers a source of this name, '
            "did you mean 'log'?",
        ),
        change=(NAMED, f'{NAMED}\nsource = logs'),
    ),
    'sink type unknown': Mistake(
        (
            f'{INI}23: [sinks.filesystm.more]: unknown section, did you mean '
            '[sinks.filesystem.more]? known in [sinks]: filesystem',
        ),
        add='[sinks.filesystm.more]\nbase_path = x\n',
    ),
    'sink without a name': Mistake(
        (f'{INI}23: [sinks.filesystem]: needs a name: [sinks.filesystem.NAME]',),
        add='[sinks.filesystem]\nbase_path = x\n',
    ),
    'sink without an option it needs': Mistake(
        (f'{INI}23: [sinks.filesystem.more] base_path: missing, it is required; expected a path',),
        add='[sinks.filesystem.more]\nbatch_max = 3\n',
    ),
    'plugin does not import': Mistake(
        (
            "error: plugin 'bad' of drakkar-bad 0.7 is broken: its import raised RuntimeError: "
            'no licence key',
            'error: mend or uninstall what is broken, or block it: DK_BLOCK_PLUGINS=bad',
        ),
        env={'PYTHONPATH': '{broken}'},
    ),
    'command when a plugin does not import': Mistake(
        (
            "error: plugin 'bad' of drakkar-bad 0.7 is broken: its import raised RuntimeError",
            'error: mend or uninstall what is broken, or block it: DK_BLOCK_PLUGINS=bad',
        ),
        command='serv',
        env={'PYTHONPATH': '{broken}'},
    ),
}
