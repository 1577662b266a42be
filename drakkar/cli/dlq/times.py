"""Points in time as parameters of commands."""

from __future__ import annotations

from typing import Any

import click

from drakkar import moments
from drakkar.moments import as_iso

__all__ = ['When', 'as_iso']


class When(click.ParamType):
    """A point in time: ISO 8601 (UTC where no zone is given), or so long ago: `90s`, `2h`, `1d`.

    Its value is in seconds since the epoch.
    """

    name = 'time'

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        try:
            return moments.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
