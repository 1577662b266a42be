import hashlib
import heapq
import re
import subprocess
import sys
import time

import gevent
import pytest
from gevent.event import Event
from gevent.monkey import get_original

from drakkar import hubmonitor
from drakkar.hubmonitor import HubMonitor, locate
from tests.waiting import until

pytestmark = pytest.mark.slow  # real processes, or real seconds

native_sleep = get_original('time', 'sleep')


class Stalls(list):
    """Collects what the monitor reports; waits for one."""

    def __init__(self):
        super().__init__()
        self.reported = Event()

    def __call__(self, duration, where):
        self.append((duration, where))
        self.reported.set()

    def wait(self):
        assert self.reported.wait(5), 'nothing was reported'
        return self[0]


@pytest.fixture
def stalls():
    return Stalls()


@pytest.fixture
def monitor(stalls):
    monitor = HubMonitor(stalls, threshold=0.1, interval=0.05)
    monitor.start()
    yield monitor
    monitor.stop()


def loop_for(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def sleep_natively(seconds):
    native_sleep(seconds)


def compute_in_c(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        hashlib.pbkdf2_hmac('sha256', b'secret', b'salt', 20_000)


def search_in_c(_seconds):
    re.match(r'(a+)+$', 'a' * 23 + 'b')  # one call that holds the interpreter lock throughout


@pytest.mark.parametrize('block', [loop_for, sleep_natively, compute_in_c, search_in_c])
def test_the_function_that_blocks_is_named(monitor, stalls, block):
    started = time.perf_counter()
    block(0.3)
    blocked = time.perf_counter() - started
    if block is search_in_c and blocked < 0.15:
        pytest.skip('this machine is too quick for it')
    duration, where = stalls.wait()
    assert re.match(rf'{re.escape(__file__)}:\d+ {block.__name__}$', where)
    # Exact to the moment when the loop last had control, which is before this test began.
    assert blocked - 0.02 < duration < blocked + 0.5
    assert monitor.lag >= 0.1


def test_a_greenlet_that_blocks_is_named_too(monitor, stalls):
    gevent.spawn(loop_for, 0.3).join()
    assert stalls.wait()[1].endswith(' loop_for')


def test_one_block_is_one_report(monitor, stalls):
    def of_ours():
        # A loaded machine may hold us up by itself, which is reported as well.
        return [where for _, where in stalls if where.endswith(' loop_for')]

    for count in (1, 2):
        loop_for(0.4)
        until(lambda n=count: len(of_ours()) == n)


def test_waiting_is_no_block(monitor, stalls):
    end = time.perf_counter() + 0.4
    while time.perf_counter() < end:
        gevent.sleep(0.01)
        loop_for(0.005)
    # A loaded machine may delay us, but nothing of ours is to blame then.
    assert not [where for _, where in stalls if 'loop_for' in where]


def test_a_failing_listener_does_not_end_the_watch(capsys):
    calls = Stalls()

    def listener(duration, where):
        calls(duration, where)
        raise RuntimeError('observer is broken')

    monitor = HubMonitor(listener, threshold=0.05, interval=0.05)
    monitor.start()
    try:
        for _ in range(2):
            calls.reported.clear()
            loop_for(0.2)
            assert calls.reported.wait(5)
    finally:
        monitor.stop()
    assert len(calls) >= 2
    assert 'observer is broken' in ''.join(capsys.readouterr())


def test_a_block_without_end_is_logged_before_it_ends(monkeypatch, capsys):
    monkeypatch.setattr(hubmonitor, '_STILL_BLOCKED', 0.2)
    monitor = HubMonitor(lambda *_: None, threshold=0.05, interval=0.05)
    monitor.start()
    try:
        logged_at = time.perf_counter()
        written = ''
        while 'hub_still_blocked' not in written:
            assert time.perf_counter() - logged_at < 5
            loop_for(0.01)
            written += ''.join(capsys.readouterr())
    finally:
        monitor.stop()
    assert 'loop_for' in written


def wait_for_native_threads(number):
    end = time.perf_counter() + 5
    while len(sys._current_frames()) != number:
        assert time.perf_counter() < end
        native_sleep(0.001)  # a thread is known a moment after it began, and after it ended


def test_stop_ends_the_thread_and_start_begins_again(stalls):
    before = len(sys._current_frames())
    monitor = HubMonitor(stalls, threshold=0.1, interval=0.05)
    monitor.stop()
    for _ in range(3):
        monitor.start()
        wait_for_native_threads(before + 1)
        monitor.stop()
        monitor.stop()
        wait_for_native_threads(before)
    assert stalls == []


def test_it_does_not_keep_the_loop_alive():
    code = (
        'import gevent; from drakkar.hubmonitor import HubMonitor\n'
        'monitor = HubMonitor(print); monitor.start()\n'
        'print(gevent.get_hub().join(timeout=5)); monitor.stop()'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ('True\n', '')


def test_lag_forgets_after_a_while(monkeypatch):
    monkeypatch.setattr(hubmonitor, '_LAG_PERIOD', 0.1)
    monitor = HubMonitor(lambda *_: None, threshold=10, interval=0.02)
    monitor.start()
    try:
        loop_for(0.3)
        until(lambda: monitor.lag > 0.2)
        until(lambda: monitor.lag <= 0.2)
    finally:
        monitor.stop()


def test_the_caller_of_the_standard_library_is_to_blame():
    blamed = []

    def key(value):
        caller = sys._getframe().f_back
        assert caller.f_code.co_filename == heapq.__file__
        blamed.append(locate(caller))
        return value

    def merge():
        list(heapq.merge([1], [2], key=key))

    merge()
    line = merge.__code__.co_firstlineno + 1
    [where] = set(blamed)
    assert where.startswith(f'{__file__}:{line} ')
    assert where.endswith('merge')


def test_where_all_is_framework_the_innermost_of_it_is_named():
    code = compile('import sys; frame = sys._getframe()', hubmonitor.__file__, 'exec')
    namespace = {'__name__': 'drakkar.inside'}
    gevent.spawn(exec, code, namespace).join()
    assert locate(namespace['frame']).startswith(f'{hubmonitor.__file__}:1 ')
