import time

import gevent
import pytest
from prometheus_client import CollectorRegistry, Gauge

from drakkar.metrics.render import compress, render


@pytest.mark.parametrize(('families', 'series', 'at_least'), [(40, 250, 8), (1, 10_000, 2)])
def test_the_event_loop_turns_while_ten_thousand_series_are_written(families, series, at_least):
    registry = CollectorRegistry()
    for family in range(families):
        gauge = Gauge(f'family_{family}', 'One of many.', ['number'], registry=registry)
        for number in range(series):
            gauge.labels(str(number)).set(number)
    turns = 0

    def count_turns():
        nonlocal turns
        while True:
            gevent.sleep(0.001)
            turns += 1

    counter = gevent.spawn(count_turns)
    try:
        body, _ = render([registry], '')
    finally:
        counter.kill()
    assert body.count(b'\n') == families * (series + 2)
    # It takes some 100 ms; without room the loop would turn once or twice.
    assert turns >= at_least


def test_a_small_text_is_not_worth_compressing():
    assert compress(b'x' * 100) is None
    started = time.perf_counter()
    packed = compress(b'drakkar_total 1\n' * 10_000)
    assert packed is not None
    assert len(packed) < 10_000
    assert time.perf_counter() - started < 5
