"""Draws throughput and partitions over time as SVG."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from html import escape

from integration.chaos.run import Outcome
from integration.chaos.watch import FAST_GROUP, MAIN_GROUP, Sample
from integration.stack.plan import MAIN_CLUSTER

_WIDTH, _HEIGHT = 900, 560
_LEFT, _RIGHT = 60, 880
_COLOURS = {
    MAIN_GROUP: '#1b6ca8',
    FAST_GROUP: '#8a8a8a',
    'worker-1': '#1b6ca8',
    'worker-2': '#d1495b',
    'worker-3': '#2e933c',
}

Points = list[tuple[float, float]]


def picture(outcome: Outcome) -> str:
    """Return the picture: messages a second of both clusters above, partitions below."""
    samples = outcome.samples
    groups = {group: _rates(samples, group) for group in (MAIN_GROUP, FAST_GROUP)}
    owned = {
        name: [(s.at, float(s.partitions.get(name, 0))) for s in samples] for name in MAIN_CLUSTER
    }
    end = max(samples[-1].at, 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        *_chart('messages/s', groups, end, top=40, bottom=240),
        *_chart('partitions', owned, end, top=300, bottom=500),
        *_events(outcome, end),
        '</svg>',
    ]
    return '\n'.join(parts)


def _rates(samples: list[Sample], group: str) -> Points:
    return [
        (after.at, (after.processed[group] - before.processed[group]) / (after.at - before.at))
        for before, after in itertools.pairwise(samples)
        if after.at > before.at
    ]


def _chart(
    title: str, lines: dict[str, Points], end: float, *, top: int, bottom: int
) -> Iterable[str]:
    """Yield axes, a legend and a line each."""
    most = max((y for points in lines.values() for _, y in points), default=0) or 1
    place = _placer(end, most, top, bottom)
    yield _text(_LEFT, top - 12, title)
    for value in (0, most / 2, most):
        _, y = place(0, value)
        yield f'<path d="M{_LEFT} {y:.1f}H{_RIGHT}" stroke="#dddddd"/>'
        yield _text(_LEFT - 8, y + 4, f'{value:.0f}', 'end')
    for number, (name, points) in enumerate(lines.items()):
        path = ' '.join('{:.1f},{:.1f}'.format(*place(x, y)) for x, y in points)
        colour = _COLOURS[name]
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield _text(_LEFT + 120 + 180 * number, top - 12, f'— {name}', colour=colour)


def _events(outcome: Outcome, end: float) -> Iterable[str]:
    place = _placer(end, 1, 0, 1)
    for number, (at, event) in enumerate(outcome.events):
        x, _ = place(at, 0)
        yield f'<path d="M{x:.1f} 40V500" stroke="#999999" stroke-dasharray="3 3"/>'
        anchor = 'end' if x > _WIDTH * 0.85 else 'middle'
        yield _text(x, 516 + 13 * (number % 3), f'{at:g} s: {event}', anchor)


def _placer(
    end: float, most: float, top: int, bottom: int
) -> Callable[[float, float], tuple[float, float]]:
    def place(x: float, y: float) -> tuple[float, float]:
        return _LEFT + x / end * (_RIGHT - _LEFT), bottom - y / most * (bottom - top)

    return place


def _text(x: float, y: float, text: str, anchor: str = 'start', colour: str = 'black') -> str:
    at = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"'
    return f'<text {at}>{escape(text)}</text>'
