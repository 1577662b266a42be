"""What a message asks for."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validate

# One message may not flood the pool: this many pairs of pattern and path at most.
MAX_SEARCHES = 1000

_text = validate.Length(min=1, max=4096)


class SearchRequest(Schema):
    """One search request.

    `pattern` and `patterns` add up, as do `file_path` and `paths`; every pattern
    is searched for in every path. `repeat` runs each search that many times, to
    make slow ones. Loads into a dictionary with `request_id`, `patterns`, `paths`
    and `repeat`. Fields of other consumers of the topic are left alone.
    """

    class Meta:
        unknown = EXCLUDE

    request_id = fields.String(required=True, validate=validate.Length(min=1, max=200))
    pattern = fields.String(validate=_text)
    patterns = fields.List(fields.String(validate=_text))
    file_path = fields.String(validate=_text)
    paths = fields.List(fields.String(validate=_text))
    repeat = fields.Integer(load_default=1, validate=validate.Range(1, 10_000))

    @post_load
    def normalise(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        patterns = _joined(data, 'pattern', 'patterns')
        paths = _joined(data, 'file_path', 'paths')
        if len(patterns) * len(paths) > MAX_SEARCHES:
            raise ValidationError(
                f'{len(patterns)} patterns in {len(paths)} paths are '
                f'{len(patterns) * len(paths)} searches; at most {MAX_SEARCHES} are allowed'
            )
        return {
            'request_id': data['request_id'],
            'patterns': patterns,
            'paths': paths,
            'repeat': data['repeat'],
        }


def _joined(data: dict[str, Any], single: str, several: str) -> list[str]:
    """Return the texts of both fields in order, each once."""
    texts = [data[single]] if single in data else []
    texts += data.get(several, [])
    if not texts:
        raise ValidationError(f'either {single} or {several} is required', single)
    for text in texts:
        # No argument of a program can hold it.
        if '\0' in text:
            raise ValidationError('may not hold a null character', single)
    return list(dict.fromkeys(texts))
