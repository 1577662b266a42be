"""Finds the rows that the database refuses, and writes all others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import drakkar.api as dk
from drakkar_sink_postgres.shapes import Insert, Named, Row
from drakkar_sink_postgres.verdict import NotNow, Refusal

Failures = dict[int, BaseException]


def isolate(
    rows: Sequence[Row], refusal: Refusal, write: Callable[[Sequence[Row]], None]
) -> Failures:
    """Write what can be written of `rows`, which were refused together; return the failures.

    Halves are written in their order, each in a transaction of its own, so that a row
    that needs an earlier one finds it. What is wrong with table or columns is found out
    once and not for each row. When the server goes away, the rest fails with that.
    """
    failures: Failures = {}
    hopeless: dict[Insert | Named, Refusal] = {}
    work: list[tuple[Sequence[Row], Refusal | None]] = [(rows, refusal)]
    while work:
        piece, told = work.pop()
        if told is None:
            piece = _hopeful(piece, hopeless, failures)
            try:
                if piece:
                    write(piece)
                continue
            except Refusal as error:
                told = error
            except dk.TransientSinkError as error:
                failures.update((row.position, error) for row in piece)
                untried = NotNow(str(error))
                failures.update((row.position, untried) for rest, _ in work for row in rest)
                return failures
        if told.of_shape and len({row.shape for row in piece}) == 1:
            hopeless[piece[0].shape] = told
            _hopeful(piece, hopeless, failures)
        elif len(piece) == 1:
            failures[piece[0].position] = told
        else:
            middle = len(piece) // 2
            work += [(piece[middle:], None), (piece[:middle], None)]
    return failures


def _hopeful(
    piece: Sequence[Row], hopeless: dict[Insert | Named, Refusal], failures: Failures
) -> Sequence[Row]:
    """Return the rows whose shape may pass; enter the others in `failures`."""
    if not hopeless:
        return piece
    failures.update((row.position, hopeless[row.shape]) for row in piece if row.shape in hopeless)
    return [row for row in piece if row.shape not in hopeless]
