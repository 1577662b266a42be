"""The proof notices what is missing, and the report says it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from drakkar.envelope import Envelope
from drakkar.models.delivery import SinkRef
from drakkar.models.message import SourceMessage
from integration.chaos import report
from integration.chaos.proof import Proof, Request, arrivals, enter
from integration.chaos.run import Outcome, Settings
from integration.chaos.timeline import described
from integration.chaos.watch import FAST_GROUP, MAIN_GROUP, Sample

R1, R2, R3 = (Request(f'r-{number}', 'raise', 'random.py') for number in (1, 2, 3))
REQUESTS = {(0, 0): R1, (0, 1): R2, (7, 0): R3}


def letter(
    place: tuple[int, int],
    sink: str = '',
    worker: str = 'worker-1',
    topic: str = 'search-requests',
) -> Envelope:
    message = SourceMessage(topic, *place, b'{}')
    return Envelope(
        message, 'deliver', '', sink=SinkRef(sink, 'x') if sink else None, worker=worker
    )


def entered(route: str, arrived: list[tuple[int, int]], *letters: Envelope) -> Proof:
    proof = Proof(len(REQUESTS))
    enter(proof, route, Counter(arrived), REQUESTS, letters)
    return proof


def test_all_there_is_no_loss() -> None:
    proof = entered('kafka', list(REQUESTS))
    assert (proof.missing, proof.duplicates, proof.lost_nothing) == (
        {'kafka': 0},
        {'kafka': 0},
        True,
    )


def test_what_is_missing_is_counted_and_named() -> None:
    proof = entered('kafka', [(0, 0), (0, 0)])
    assert (proof.arrived, proof.missing, proof.duplicates) == (
        {'kafka': 1},
        {'kafka': 2},
        {'kafka': 1},
    )
    assert proof.examples == {'kafka': ['r-2 at (0, 1)', 'r-3 at (7, 0)']}
    assert not proof.lost_nothing


@pytest.mark.parametrize(
    ('route', 'excuse', 'missing'),
    [
        ('kafka', letter((7, 0)), 0),
        ('kafka', letter((7, 0), 'kafka'), 0),
        ('kafka', letter((7, 0), 'mongo'), 1),
        ('kafka', letter((0, 0)), 1),
        ('kafka', letter((7, 0), worker='fast-worker-1'), 1),
        ('kafka', letter((7, 0), topic='another'), 1),
        ('counts', letter((7, 0), 'kafka', worker='fast-worker-1'), 0),
        ('counts', letter((7, 0), 'kafka'), 1),
    ],
)
def test_a_dead_letter_excuses_its_message_on_its_route(
    route: str, excuse: Envelope, missing: int
) -> None:
    assert entered(route, [(0, 0), (0, 1)], excuse).missing == {route: missing}


def test_a_request_that_was_produced_again_arrives_by_either() -> None:
    places = {R1: [(0, 0), (0, 1)], R2: [(7, 0)]}
    assert arrivals([R1], places) == {(0, 0): 1, (0, 1): 1}
    assert arrivals([R1, R1, R2, R2], places) == {(0, 0): 1, (0, 1): 1, (7, 0): 2}
    assert arrivals([R1] * 3 + [R3], places) == {(0, 0): 2, (0, 1): 1}


def test_the_same_id_with_another_search_is_another_request() -> None:
    """As a producer with another seed sends it."""
    other = R1._replace(pattern='lambda')
    assert arrivals([R1], {R1: [(0, 0)], other: [(0, 1)]}) == {(0, 0): 1}


def test_the_verdict_does_not_cover_requests_that_were_produced_again() -> None:
    assert report.books(Proof(3))[-1] == 'verdict: nothing was lost'
    told = report.books(Proof(3, repeated=1))
    assert '1 requests were produced again: one that arrived stands for both' in told
    assert told[-1].startswith('verdict: nothing was lost, as far as it can be told of requests')


def test_requests_that_the_producer_lost_are_lost() -> None:
    told = report.books(Proof(3, unsent=2))
    assert '2 requests of the producer are not in the topic' in told
    assert told[-1] == 'verdict: MESSAGES WERE LOST'


def test_nothing_produced_proves_nothing() -> None:
    assert not Proof(0).lost_nothing


def test_the_steps_are_those_of_the_page() -> None:
    assert described(('worker-1', 'worker-2', 'worker-3')) == [
        'worker-2 stops (live: worker-1, worker-3)',
        'worker-3 stops (live: worker-1)',
        'worker-2 starts, worker-1 stops (live: worker-2)',
        'worker-1 starts (live: worker-1, worker-2)',
        'worker-3 starts (live: worker-1, worker-2, worker-3)',
    ]


def outcome(proof: Proof, kill: bool = False) -> Outcome:
    samples = [
        Sample(at, 10, {MAIN_GROUP: done, FAST_GROUP: done}, {'worker-1': done}, {'worker-1': 50})
        for at, done in ((0.0, 0), (5.0, 7), (9.0, 10))
    ]
    return Outcome(Settings(10, kill=kill), [(3.0, 'worker-2 stops & <waits>')], samples, proof)


def test_the_report_tells_a_loss() -> None:
    told = report.text(outcome(entered('mongo', [(0, 0)])))
    assert 'MESSAGES WERE LOST' in told
    assert 'missing: r-2 at (0, 1)' in told
    assert 'nothing was lost' in report.text(outcome(entered('mongo', list(REQUESTS))))


def test_the_report_is_whole(tmp_path: Path) -> None:
    proof = entered('mongo', [(0, 0)] * 3 + [(0, 1)], letter((1, 1)))
    proof.dead_letters = 1
    report.write(outcome(proof, kill=True), tmp_path)
    assert (
        (tmp_path / 'chaos.txt').read_text()
        == """\
Rolling outage by SIGKILL: 3 messages in 9 s, times divided by 1, seed 1

     3.0 s  worker-2 stops & <waits>

route       arrived  missing  duplicates
mongo             2        1           2
           missing: r-3 at (7, 0)

dead letters: 1
verdict: MESSAGES WERE LOST
"""
    )
    assert report.text(outcome(proof)).startswith('Rolling outage by stop: ')
    found = json.loads((tmp_path / 'chaos.json').read_text())
    assert found['proof']['missing'] == {'mongo': 1}
    assert found['samples'][1]['processed'] == {MAIN_GROUP: 7, FAST_GROUP: 7}
    assert found['events'] == [[3.0, 'worker-2 stops & <waits>']]
    assert ElementTree.parse(tmp_path / 'chaos.svg').getroot().tag.endswith('svg')


def test_the_picture_shows_rates_and_partitions() -> None:
    """1.4 messages/s until 5 s, 0.75 until 9 s; worker-1 has all 50 partitions."""
    drawn = ElementTree.fromstring(report.picture(outcome(Proof(3))))
    lines = [line.get('points') for line in drawn.iter('{http://www.w3.org/2000/svg}polyline')]
    rates = '515.6,60.0 880.0,148.2'
    nothing = '60.0,490.0 515.6,490.0 880.0,490.0'
    assert lines == [rates, rates, '60.0,300.0 515.6,300.0 880.0,300.0', nothing, nothing]


def test_a_picture_of_an_instant_is_drawn() -> None:
    still = outcome(Proof(3))
    still.samples[:] = [Sample(0.0, 0, {MAIN_GROUP: 0, FAST_GROUP: 0}, {}, {})] * 2
    still.events[:] = [(0.0, f'event {number}') for number in range(5)]
    drawn = ElementTree.fromstring(report.picture(still))
    texts = [element.text for element in drawn.iter('{http://www.w3.org/2000/svg}text')]
    assert '5: 0 s: event 4' in texts
    assert drawn.get('viewBox') == '0 0 900 588'


def test_the_picture_is_well_formed() -> None:
    drawn = ElementTree.fromstring(report.picture(outcome(Proof(3))))
    texts = [element.text for element in drawn.iter('{http://www.w3.org/2000/svg}text')]
    assert {'1', '1: 3 s: worker-2 stops & <waits>'} < set(texts)
    lines = list(drawn.iter('{http://www.w3.org/2000/svg}polyline'))
    assert len(lines) == 5
