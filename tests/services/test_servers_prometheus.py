"""Prometheus scrapes what it is told and keeps it over a restart."""

from __future__ import annotations

import pytest

from tests.services.waiting import wait_until


@pytest.mark.timeout(90)
@pytest.mark.parametrize('how', ['stop', 'kill'])
def test_what_was_scraped_is_there_after_a_restart(prometheus, how):
    # Itself: a target that is always there.
    prometheus.scrape(prometheus.address)
    count = f'count_over_time(up{{instance="{prometheus.address}"}}[1h]) > 1'
    wait_until(lambda: prometheus.query(count), timeout=20)
    prometheus.scrape()
    address = prometheus.address
    getattr(prometheus, how)()
    with pytest.raises(ConnectionRefusedError):
        prometheus.ping()
    prometheus.start()
    assert prometheus.address == address
    assert prometheus.query(count)


def test_paused_it_does_not_answer_and_may_be_left_so(prometheus):
    prometheus.pause()
    assert prometheus.running


def test_the_next_test_finds_it_well(prometheus):
    assert prometheus.query('vector(1)')[0]['value'][1] == '1'
