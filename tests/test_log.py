import json
import logging
import re
import subprocess
import sys
import warnings
from dataclasses import dataclass

import gevent
import pytest
import structlog

from drakkar import log
from drakkar.errors import ConfigError
from drakkar.models.message import TopicPartition

logger = structlog.get_logger('drakkar.part')


@dataclass
class Options:
    level: str = 'info'
    format: str = 'json'
    output: str = 'stderr'


@pytest.fixture(autouse=True)
def reset():
    yield
    log.reset()


@pytest.fixture
def lines(capsys):
    """Parse what was logged to stderr since the last call."""
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def configure(**options):
    log.configure(Options(**options), 'worker-1', 'main cluster', 'searchers')


def test_a_line_begins_with_the_same_fields_in_the_same_order(lines):
    configure()
    logger.warning('partition_stalled', partition=3, messages=2)
    [line] = lines()
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z', line.pop('time'))
    assert list(line.items()) == [
        ('level', 'warning'),
        ('event', 'partition_stalled'),
        ('logger', 'drakkar.part'),
        ('worker', 'worker-1'),
        ('cluster', 'main cluster'),
        ('group', 'searchers'),
        ('partition', 3),
        ('messages', 2),
    ]


def test_levels_below_are_dropped(lines):
    configure(level='warning')
    logger.info('quiet')
    logger.error('loud')
    assert [line['event'] for line in lines()] == ['loud']


def test_a_logger_that_was_used_follows_a_new_configuration(lines):
    configure()
    logger.debug('first')
    configure(level='debug')
    logger.debug('second')
    assert [line['event'] for line in lines()] == ['second']


def test_an_exception_is_one_field(lines):
    configure()
    try:
        raise ValueError('at redis://u:hunter2@host/0')
    except ValueError:
        logger.exception('hook_failed', hook='arrange')
    [line] = lines()
    assert line['level'] == 'error'
    assert line['exception'].startswith('Traceback (most recent call last):\n')
    assert line['exception'].endswith('ValueError: at redis://host/0')


def test_secrets_do_not_reach_the_log(lines, capsys):
    configure()
    logger.info('connected', url='postgresql://u:hunter2@db/x', options={'auth_token': 'hunter2'})
    logging.getLogger('urllib3').warning('retrying http://u:hunter2@host/')
    err = capsys.readouterr().err
    assert err.count('\n') == 2
    assert 'hunter2' not in err


def test_context_adds_fields_within_its_block_and_greenlet(lines):
    configure()
    with log.context(partition=3, hook='arrange'):
        logger.info('inside')
        gevent.spawn(logger.info, 'beside').join()
    logger.info('after')
    found = {line['event']: (line.get('partition'), line.get('hook')) for line in lines()}
    assert found == {'inside': (3, 'arrange'), 'beside': (None, None), 'after': (None, None)}


def test_libraries_end_in_the_same_lines(lines):
    configure()
    library = logging.getLogger('urllib3.pool')
    library.debug('noise')
    library.info('opened %s', 'connection')
    try:
        raise OSError('gone')
    except OSError:
        library.exception('request failed')
    opened, failed = lines()
    assert (opened['level'], opened['event'], opened['logger'], opened['worker']) == (
        'info',
        'opened connection',
        'urllib3.pool',
        'worker-1',
    )
    assert failed['exception'].endswith('OSError: gone')


def test_libraries_keep_quiet_at_debug(lines):
    configure(level='debug')
    logging.getLogger('kafka.conn').debug('every packet')
    logger.debug('ours')
    assert [line['event'] for line in lines()] == ['ours']


@pytest.mark.parametrize(
    ('level', 'events'),
    [
        ('debug', ['Updated metadata', 'broker gone']),
        ('info', ['broker gone']),
        ('warning', ['broker gone']),
        ('error', []),
    ],
)
def test_kafka_tells_of_its_housekeeping_at_debug_only(lines, level, events):
    configure(level=level)
    library = logging.getLogger('kafka.cluster')
    library.info('Updated metadata')
    library.warning('broker gone')
    assert [line['event'] for line in lines()] == events


def test_python_warnings_are_logged(lines):
    with warnings.catch_warnings():
        warnings.simplefilter('always')
        configure()
        warnings.warn('old ways', DeprecationWarning, stacklevel=1)
        log.reset()
    [line] = lines()
    assert line['logger'] == 'py.warnings'
    assert 'DeprecationWarning: old ways' in line['event']


@pytest.mark.parametrize(
    ('value', 'written'),
    [
        (TopicPartition('requests', 3), 'requests:3'),
        ((1, 2), [1, 2]),
        ('\ud800', '\ud800'),
        (float('inf'), None),
        (2**80, 2**80),
    ],
)
def test_values_of_any_kind_are_written(lines, value, written):
    configure()
    logger.info('x', value=value)
    assert lines()[0]['value'] == written


def test_what_has_no_json_form_is_written_as_python_shows_it(lines):
    configure()
    logger.info('x', value={1: object, 'b': b'raw'}, other=3)
    [line] = lines()
    assert line['value'] == "{1: <class 'object'>, 'b': b'raw'}"
    assert line['other'] == 3


def test_console_is_for_people(capsys):
    configure(format='console')
    try:
        raise ValueError('bad')
    except ValueError:
        logger.exception('hook_failed', partition=3)
    err = capsys.readouterr().err
    assert '[error    ] hook_failed' in err
    assert 'partition=3' in err
    assert err.rstrip().endswith('ValueError: bad')
    assert '\x1b' not in err


def test_output_to_stdout(capsys):
    configure(output='stdout')
    logger.info('here')
    out, err = capsys.readouterr()
    assert (json.loads(out)['event'], err) == ('here', '')


def test_output_to_a_file_of_the_workers_own(tmp_path):
    path = tmp_path / 'logs' / '{cluster_name}' / '{worker_id}.log'
    log.configure(Options(output=str(path)), 'worker/1', 'main', 'g')
    logger.info('written')
    [line] = (tmp_path / 'logs' / 'main' / 'worker_1.log').read_text().splitlines()
    assert json.loads(line)['event'] == 'written'


def test_a_rotated_file_is_begun_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(log, '_REOPEN_CHECK_SECONDS', 0)
    path = tmp_path / 'worker.log'
    configure(output=str(path))
    logger.info('before')
    path.rename(tmp_path / 'worker.log.1')
    logger.info('after')
    assert '"before"' in (tmp_path / 'worker.log.1').read_text()
    assert [json.loads(line)['event'] for line in path.read_text().splitlines()] == ['after']


def test_lines_of_threads_and_greenlets_do_not_mix(tmp_path):
    path = tmp_path / 'worker.log'
    configure(output=str(path))

    def write(name):
        for number in range(50):
            logger.info('x' * 500, writer=name, number=number)

    threads = [gevent.get_hub().threadpool.spawn(write, f't{n}') for n in range(3)]
    gevent.joinall([gevent.spawn(write, f'g{n}') for n in range(3)])
    for thread in threads:
        thread.get(timeout=10)
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 300


def test_a_broken_stream_does_not_stop_work(monkeypatch):
    class Broken:
        isatty = staticmethod(lambda: False)

        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, 'stderr', Broken())
    configure()
    logger.error('nobody reads this')


def test_what_a_full_disk_refuses_goes_to_stderr(lines):
    configure(output='/dev/full')
    logger.error('not lost')
    assert lines()[0]['event'] == 'not lost'


@pytest.mark.parametrize(
    ('options', 'problem'),
    [
        ({'level': 'loud'}, '[logging] level = loud: must be one of debug, info, '),
        ({'format': 'xml'}, '[logging] format = xml: must be json or console'),
        ({'output': '/dev/null/x.log'}, '[logging] output = /dev/null/x.log: '),
        ({'output': '/tmp/{host}.log'}, '[logging] output = /tmp/{host}.log: only {worker_id} '),
        ({'output': '/tmp/{.log'}, '[logging] output = /tmp/{.log: only {worker_id} '),
    ],
)
def test_a_wrong_option_is_a_configuration_error_that_changes_nothing(lines, options, problem):
    configure()
    with pytest.raises(ConfigError) as caught:
        configure(**options)
    assert str(caught.value).startswith(problem)
    logger.info('still here')
    assert lines()[-1]['event'] == 'still here'


def test_reset_leaves_libraries_alone_and_can_be_captured(monkeypatch):
    root = logging.getLogger()
    monkeypatch.setattr(root, 'level', logging.CRITICAL)
    kafka = logging.getLogger('kafka')
    before = list(root.handlers), root.level, kafka.level
    configure()
    logger.info('cached now')
    log.reset()
    assert (list(root.handlers), root.level, kafka.level) == before
    with structlog.testing.capture_logs() as captured:
        logger.info('seen', a=1)
    assert captured == [{'event': 'seen', 'log_level': 'info', 'a': 1}]


def test_importing_configures_nothing():
    code = 'import drakkar.log, structlog, logging; print(structlog.is_configured())'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout == 'False\n'
