"""Mistakes in options, sections, variables and flags."""

from __future__ import annotations

from tests.services.mistakes.base import DUPLICATE, INI, LOG, PORT, PROGRAM, Mistake

OPTIONS = {
    'wrong type': Mistake(
        (f'{INI}24: [source] poll_max_messages = many: expected a whole number, at least 1',),
        add='[source]\npoll_max_messages = many\n',
    ),
    'out of range': Mistake(
        (f'{INI}18: [metrics] port = 70000: expected a whole number from 0 to 65535',),
        change=(PORT, 'port = 70000'),
    ),
    'unknown option': Mistake(
        (f"{INI}8: [executor] max_executor: unknown option, did you mean 'max_executors'?",),
        change=('[executor]', '[executor]\nmax_executor = 4'),
    ),
    'option of another section': Mistake(
        (f'{INI}5: [log] max_executors: unknown option, it belongs in [executor]; known: path,',),
        change=('[log]', '[log]\nmax_executors = 4'),
    ),
    'unknown section': Mistake(
        (f'{INI}23: [executer]: unknown section, did you mean [executor]? known: drakkar, ',),
        add='[executer]\nmax_executors = 4\n',
    ),
    'two options that exclude each other': Mistake(
        (
            f'{INI}9: [executor]: backpressure_low_multiplier (40) must be less than '
            'backpressure_high_multiplier (32)',
        ),
        change=(PROGRAM, f'{PROGRAM}\nbackpressure_low_multiplier = 40'),
    ),
    'several mistakes': Mistake(
        (
            f"{INI}8: [executor] binary: unknown option, did you mean 'binary_path'?",
            f'{INI}9: [executor] max_executors = 0: expected a whole number from 1 to 10000',
            f'{INI}10: [executor] window_size = x: expected a whole number, at least 1',
            'error: DK_LOG__PARTITIONS: [log] partitions = eight: expected a whole number from 1',
            'error: --set metrics.prot: unknown option, did you mean metrics.port?',
        ),
        command='serve -c drakkar.ini --set metrics.prot=1',
        change=(PROGRAM, 'binary = /bin/cat\nmax_executors = 0\nwindow_size = x'),
        env={'DK_LOG__PARTITIONS': 'eight'},
    ),
    'no INI file': Mistake(
        (f'{INI}23: this: expected `key = value` or', f'{INI}24: expected a section header'),
        add='this is no option\n[half\n',
    ),
    'duplicates': Mistake(
        (f'{INI}23: [log]: {DUPLICATE}', f'{INI}24: [log] path: duplicate key, the first is in'),
        add='[log]\npath = x\n',
    ),
    'comment behind a value': Mistake(
        (f'{INI}18: [metrics] port = 0 # any: expected a whole number from 0 to 65535 (a comment',),
        change=(PORT, 'port = 0 # any'),
    ),
    'variable in a value is not set': Mistake(
        (f'{INI}5: [log] path = ${{NOWHERE}}/log: environment variable NOWHERE is not set',),
        change=(LOG, 'path = ${NOWHERE}/log\n'),
    ),
    'variable misspelled': Mistake(
        ('error: DK_EXECUTOR__PROGRAM: unknown option; known in [executor]: binary_path, ',),
        env={'DK_EXECUTOR__PROGRAM': '3'},
    ),
    'section of a variable misspelled': Mistake(
        ('error: DK_EXECUTER__MAX_RETRIES: unknown option, did you mean DK_EXECUTOR__MAX_',),
        env={'DK_EXECUTER__MAX_RETRIES': '3'},
    ),
    'variable with single underscores': Mistake(
        ('error: DK_EXECUTOR_MAX_RETRIES: `__` separates section and key, did you mean DK_EXECUT',),
        env={'DK_EXECUTOR_MAX_RETRIES': '3'},
    ),
    '--set misspelled': Mistake(
        ('error: --set executor.max_retry: unknown option, did you mean executor.max_retries?',),
        command='serve -c drakkar.ini --set executor.max_retry=3',
    ),
    '--set without a value': Mistake(
        ('error: --set executor.max_retries: expected --set section.key=value',),
        command='serve -c drakkar.ini --set executor.max_retries',
    ),
    '--set without a section': Mistake(
        ('error: --set max_retries: expected --set section.key=value',),
        command='serve -c drakkar.ini --set max_retries=3',
    ),
    'no configuration': Mistake(
        ('error: no configuration file: give -c FILE, or set DK_CONFIG',), command='serve'
    ),
    'configuration file missing': Mistake(
        ('error: nowhere.ini: the configuration can not be read: No such file or directory',),
        command='serve -c nowhere.ini',
    ),
    'configuration is a folder': Mistake(
        ('error: folder: the configuration can not be read: Is a directory',),
        command='serve -c folder',
        files={'folder': None},
    ),
    'configuration is no text': Mistake(
        ("error: image.ini: not a text in UTF-8 ('utf-8' codec can't decode byte 0xff",),
        command='serve -c image.ini',
        files={'image.ini': '\udcff\udcfe'},
    ),
    'check: wrong type': Mistake(
        (f'{INI}18: [metrics] port = any: expected a whole number from 0 to 65535',),
        command='config check -c drakkar.ini',
        change=(PORT, 'port = any'),
    ),
    'check: configuration file missing': Mistake(
        ('error: nowhere.ini: the configuration can not be read: No such file or directory',),
        command='config check -c nowhere.ini',
    ),
    'show: variable in a value is not set': Mistake(
        (f'{INI}5: [log] path = ${{NOWHERE}}/log: environment variable NOWHERE is not set',),
        command='config show -c drakkar.ini',
        change=(LOG, 'path = ${NOWHERE}/log\n'),
    ),
    'command misspelled': Mistake(
        ("Error: No such command 'serv'. Did you mean 'serve'?",), command='serv -c drakkar.ini'
    ),
    'flag misspelled': Mistake(
        ("Error: No such option '--confg'. Did you mean '--config'?",),
        command='serve --confg drakkar.ini',
    ),
    'argument too many': Mistake(
        ('Error: Got unexpected extra argument (drakkar.ini)',), command='serve drakkar.ini'
    ),
}
