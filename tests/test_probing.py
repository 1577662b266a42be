"""The mark of the Message Probe follows what a hook starts, and nothing else."""

from __future__ import annotations

import threading
from typing import Any

import gevent
from gevent.pool import Pool

from drakkar import probing
from drakkar.greenlets import Nursery, offload
from drakkar.handler import Handler


def in_greenlet(fn: Any) -> Any:
    return gevent.spawn(fn).get()


def in_thread(fn: Any) -> Any:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(fn()))
    thread.start()
    thread.join()
    return answers[0]


def in_pool(fn: Any) -> Any:
    return Pool(2).map(lambda _: fn(), [1])[0]


WAYS = [lambda fn: fn(), in_greenlet, in_thread, in_pool, offload]


def test_the_mark_follows_what_a_hook_starts() -> None:
    def hook() -> list[bool]:
        with probing.scope(print):
            return [way(probing.probing) for way in WAYS]

    assert gevent.spawn(hook).get() == [True] * len(WAYS)


def test_it_ends_with_the_scope_and_marks_nobody_else() -> None:
    seen: list[bool] = []
    nursery = Nursery(lambda name, error: None)

    def neighbour() -> None:
        gevent.sleep(0)
        seen.append(probing.probing())

    def hook() -> None:
        nursery.spawn('before', neighbour)
        with probing.scope(print):
            gevent.sleep(0)
        seen.extend(way(probing.probing) for way in WAYS)

    gevent.spawn(hook).get()
    assert nursery.join(5)
    assert seen == [False] * (1 + len(WAYS))


def test_annotations_go_to_the_probe_from_wherever_they_are_made() -> None:
    handler = Handler()
    recorded: list[Any] = []
    reported: list[Any] = []
    handler._annotate = recorded.append

    def hook() -> None:
        with probing.scope(reported.append):
            for number, way in enumerate(WAYS):
                way(lambda number=number: handler.annotate(number))
        handler.annotate('after')

    gevent.spawn(hook).get()
    assert reported == list(range(len(WAYS)))
    assert recorded == ['after']
