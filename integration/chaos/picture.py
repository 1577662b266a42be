"""Draws throughput and partitions over time as SVG."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from html import escape

from integration.chaos.run import Outcome
from integration.chaos.watch import FAST_GROUP, MAIN_GROUP, Sample
from integration.stack.plan import MAIN_CLUSTER

_WIDTH = 900
_LEFT, _RIGHT = 60, 880
# The list of events, below the charts.
_LIST, _LINE, _COLUMNS = 540, 16, 2
_COLOURS = {
    MAIN_GROUP: '#1b6ca8',
    FAST_GROUP: '#8a8a8a',
    'worker-1': '#1b6ca8',
    'worker-2': '#d1495b',
    'worker-3': '#2e933c',
}
# Workers often have equally many partitions: each line shows through the gaps of the others.
_DASHES = {'worker-2': '9 9', 'worker-3': '3 9'}

Points = list[tuple[float, float]]


def picture(outcome: Outcome) -> str:
    """Return the picture: messages a second of both clusters above, partitions below."""
    samples = outcome.samples
    groups = {group: _rates(samples, group) for group in (MAIN_GROUP, FAST_GROUP)}
    owned = {
        name: [(s.at, float(s.partitions.get(name, 0))) for s in samples] for name in MAIN_CLUSTER
    }
    end = max(samples[-1].at, 1)
    height = _LIST + _LINE * _rows(len(outcome.events))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        *_chart('messages/s', groups, end, top=60, bottom=250),
        *_chart('partitions', owned, end, top=300, bottom=490),
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
    yield _text(_LEFT, bottom + 16, title)
    for value in (0, most / 2, most):
        _, y = place(0, value)
        yield f'<path d="M{_LEFT} {y:.1f}H{_RIGHT}" stroke="#dddddd"/>'
        yield _text(_LEFT - 8, y + 4, f'{value:.0f}', 'end')
    for number, (name, points) in enumerate(lines.items()):
        path = ' '.join('{:.1f},{:.1f}'.format(*place(x, y)) for x, y in points)
        colour = _COLOURS[name]
        dashes = f' stroke-dasharray="{_DASHES[name]}"' if name in _DASHES else ''
        line = f'fill="none" stroke="{colour}" stroke-width="2"{dashes}'
        yield f'<polyline points="{path}" {line}/>'
        yield _text(_LEFT + 120 + 180 * number, bottom + 16, name, colour=colour)
        x = _LEFT + 90 + 180 * number
        yield f'<path d="M{x} {bottom + 12}h24" {line}/>'


def _events(outcome: Outcome, end: float) -> Iterable[str]:
    """Yield a numbered line at the time of each event, and the list of what they are."""
    place = _placer(end, 1, 0, 1)
    free = [0.0] * 3  # up to where the numbers reach, in each of three rows
    for number, (at, event) in enumerate(outcome.events):
        x, _ = place(at, 0)
        row = next((row for row, until in enumerate(free) if x >= until), 0)
        free[row] = x + 12
        yield f'<path d="M{x:.1f} {48 - 12 * row}V490" stroke="#999999" stroke-dasharray="3 3"/>'
        yield _text(x, 46 - 12 * row, str(number + 1), 'middle')
        column, line = divmod(number, _rows(len(outcome.events)))
        left = _LEFT + column * (_RIGHT - _LEFT) / _COLUMNS
        yield _text(left, _LIST + _LINE * line, f'{number + 1}: {at:g} s: {event}')


def _rows(events: int) -> int:
    return -(-events // _COLUMNS)


def _placer(
    end: float, most: float, top: int, bottom: int
) -> Callable[[float, float], tuple[float, float]]:
    def place(x: float, y: float) -> tuple[float, float]:
        return _LEFT + x / end * (_RIGHT - _LEFT), bottom - y / most * (bottom - top)

    return place


def _text(x: float, y: float, text: str, anchor: str = 'start', colour: str = 'black') -> str:
    at = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"'
    return f'<text {at}>{escape(text)}</text>'
