"""What an HTTP request asks for: where a score stands among files, by their matching lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from marshmallow import Schema, fields, validate

from drakkar_handler_ripgrep.program import Matches


class Whole(fields.Integer):
    """A whole number as JSON Schema has them: `42.0` is one, `"42"` and `true` are not."""

    def __init__(self, low: int, high: int, **declaration: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(low, high), **declaration)

    def _validated(self, value: Any) -> Any:
        return super()._validated(int(value) if _is_whole(value) else value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


class RankRequest(Schema):
    """Ranks `score` among the files that the worker's `rank_paths` name.

    `pattern` is what counts in them, the worker's `rank_pattern` where it is left
    out; `limit` of the files are listed. `repeat` runs each search that many times, to
    make slow requests. Paths are not for the client to choose.
    """

    request_id = fields.String(required=True, validate=validate.Regexp(r'^[!-~]{1,64}\Z'))
    score = Whole(0, 1_000_000_000, required=True)
    pattern = fields.String(
        validate=[validate.Length(min=1, max=1000), validate.Regexp(r'^[^\x00]+\Z')]
    )
    limit = Whole(1, 100, load_default=10)
    repeat = Whole(1, 1000, load_default=1)


class RankedFile(Schema):
    """One file and its matching lines."""

    path = fields.String(required=True)
    matches = fields.Integer(required=True)


class RankResponse(Schema):
    """`rank` is 1 where no file has more matching lines than `score`.

    `of` counts the score itself and the files with matches; `top` lists those that
    have most.
    """

    request_id = fields.String(required=True)
    score = fields.Integer(required=True)
    rank = fields.Integer(required=True)
    of = fields.Integer(required=True)
    top = fields.List(fields.Nested(RankedFile), required=True)


def rank(request: dict[str, Any], outputs: Iterable[str]) -> dict[str, Any]:
    """Return the response to a request whose searches printed `outputs`."""
    counts: Counter[str] = Counter()
    for output in outputs:
        counts.update(Matches.counts(output))
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    score = request['score']
    return {
        'request_id': request['request_id'],
        'score': score,
        'rank': 1 + sum(count > score for count in counts.values()),
        'of': 1 + len(counts),
        'top': [{'path': path, 'matches': n} for path, n in ordered[: request['limit']]],
    }
