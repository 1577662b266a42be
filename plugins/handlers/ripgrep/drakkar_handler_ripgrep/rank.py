"""What an HTTP request asks for: where a score stands among files, by their matching lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from marshmallow import Schema, fields, validate

from drakkar_handler_ripgrep.program import Matches


class RankRequest(Schema):
    """Ranks `score` among the files that the worker's `rank_paths` name.

    `pattern` is what counts in them, the worker's `rank_pattern` where it is left
    out; `limit` of the files are listed. `repeat` runs each search that many times, to
    make slow requests. Paths are not for the client to choose.
    """

    request_id = fields.String(required=True, validate=validate.Regexp(r'^[!-~]{1,64}\Z'))
    score = fields.Integer(required=True, strict=True, validate=validate.Range(0, 1_000_000_000))
    pattern = fields.String(
        validate=[validate.Length(min=1, max=1000), validate.Regexp(r'^[^\x00\ud800-\udfff]+\Z')]
    )
    limit = fields.Integer(load_default=10, strict=True, validate=validate.Range(1, 100))
    repeat = fields.Integer(load_default=1, strict=True, validate=validate.Range(1, 1000))


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
