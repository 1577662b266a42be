"""Declarations of options: `path = option.Path(required=True, description='...')`.

Each is a marshmallow field. From the one declaration come parsing, error
messages, `drakkar config show`, the reference page, the JSON Schema and masking.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from drakkar.config.base import Option
from drakkar.config.nested import Mapping, NamedSections, OptionSchema, SubSection
from drakkar.config.rules import at_most, below
from drakkar.redact import MASK

__all__ = [
    'Bool',
    'Choice',
    'Dsn',
    'Float',
    'Int',
    'List',
    'Mapping',
    'NamedSections',
    'Option',
    'OptionSchema',
    'Path',
    'Secret',
    'Str',
    'SubSection',
    'Url',
    'at_most',
    'below',
]

_SCHEME = re.compile(r'[A-Za-z][A-Za-z0-9+.-]*')
_PAIR = re.compile(r'\w+\s*=')
_INTEGER = re.compile(r'[+-]?[0-9]+(_[0-9]+)*')
_BOOLEANS = {
    **dict.fromkeys(('true', 'yes', 'on', '1'), True),
    **dict.fromkeys(('false', 'no', 'off', '0'), False),
}


class Str(Option):
    """A text."""


class Secret(Option):
    """A text that is never shown: a password, a token."""

    noun = 'a secret text'

    def __init__(self, **declaration: Any) -> None:
        super().__init__(secret=True, **declaration)


class Path(Option):
    """A file or folder, with `~` expanded; relative to the current directory."""

    noun = 'a path'

    def parse(self, value: Any) -> str:
        return os.path.expanduser(os.fspath(value))


class Url(Option):
    """A URL, of one of `schemes` where given. Credentials in it are never shown."""

    noun = 'a URL'

    def __init__(self, *, schemes: Sequence[str] = (), **declaration: Any) -> None:
        self.schemes = tuple(schemes)
        super().__init__(**declaration)

    def allowed(self) -> str:
        if not self.schemes:
            return f'{self.noun} such as scheme://host'
        return f'{self.noun} that begins with ' + ' or '.join(f'{s}://' for s in self.schemes)

    def parse(self, value: Any) -> str:
        text: str = super().parse(value)
        if text and not self._is_url(text):
            raise ValueError('not a URL')
        return text

    def _is_url(self, text: str) -> bool:
        scheme, separator, rest = text.partition('://')
        urlsplit(text)  # raises ValueError for a malformed host
        known = scheme.lower() in self.schemes if self.schemes else _SCHEME.fullmatch(scheme)
        return bool(known and separator and rest) and not re.search(r'\s', text)

    def mask(self, text: str) -> str:
        """Also hide what may be credentials in a text that is no URL, for it is shown as wrong."""
        if self.secret or '@' not in text or self._has_scheme(text):
            return super().mask(text)
        return MASK + text[text.rindex('@') :]

    def _has_scheme(self, text: str) -> bool:
        return bool(_SCHEME.fullmatch(text.partition('://')[0]))


class Dsn(Url):
    """How a driver is told to connect: a URL, or `key=value` pairs. Credentials are not shown."""

    noun = 'a DSN'

    def allowed(self) -> str:
        return f'{super().allowed()}, or key=value pairs'

    def _is_url(self, text: str) -> bool:
        return bool(_PAIR.match(text)) or super()._is_url(text)

    def _has_scheme(self, text: str) -> bool:
        return bool(_PAIR.match(text)) or super()._has_scheme(text)


class Bool(Option):
    """True or false."""

    noun = 'true or false (or yes, no, on, off)'
    json_type = 'boolean'

    def parse(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        try:
            return _BOOLEANS[value.strip().lower()]
        except (KeyError, AttributeError):
            raise ValueError('not a boolean') from None

    def render(self, value: Any) -> str:
        return '' if value is None else str(value).lower()


class _Number(Option):
    """A number from `min` to `max`, both inclusive, either of them open."""

    def __init__(
        self, *, min: float | None = None, max: float | None = None, **declaration: Any
    ) -> None:
        self.min = min
        self.max = max
        super().__init__(**declaration)

    def parse(self, value: Any) -> Any:
        if isinstance(value, bool):
            raise TypeError('not a number')
        number = self._convert(value)
        low = -math.inf if self.min is None else self.min
        high = math.inf if self.max is None else self.max
        if not low <= number <= high:
            raise ValueError('out of range')
        return number

    def _convert(self, value: Any) -> Any:
        raise NotImplementedError

    def allowed(self) -> str:
        if self.min is not None and self.max is not None:
            return f'{self.noun} from {self.min} to {self.max}'
        if self.min is not None:
            return f'{self.noun}, at least {self.min}'
        return self.noun if self.max is None else f'{self.noun}, at most {self.max}'

    def json_schema(self) -> dict[str, Any]:
        limits = {'minimum': self.min, 'maximum': self.max}
        return super().json_schema() | {k: v for k, v in limits.items() if v is not None}


class Int(_Number):
    """A whole number; `_` may separate its digits."""

    noun = 'a whole number'
    json_type = 'integer'

    def _convert(self, value: Any) -> int:
        if isinstance(value, int):
            return value
        if not isinstance(value, str) or not _INTEGER.fullmatch(value.strip()):
            raise ValueError('not a whole number')
        return int(value)


class Float(_Number):
    """A finite number."""

    noun = 'a number'
    json_type = 'number'

    def _convert(self, value: Any) -> float:
        number = float(value)
        if not math.isfinite(number):
            raise ValueError('not finite')
        return number

    def render(self, value: Any) -> str:
        return '' if value is None else repr(value).removesuffix('.0')


class Choice(Option):
    """One of the given words."""

    def __init__(self, values: Sequence[str], **declaration: Any) -> None:
        self.values = tuple(values)
        super().__init__(**declaration)

    def allowed(self) -> str:
        *first, last = self.values
        return f'{", ".join(first)} or {last}' if first else last

    def parse(self, value: Any) -> str:
        if value not in self.values:
            raise ValueError('not one of the choices')
        return str(value)

    def json_schema(self) -> dict[str, Any]:
        return super().json_schema() | {'enum': list(self.values)}


class List(Option):
    """Texts separated by commas or line ends; empty ones don't count."""

    noun: ClassVar[str] = 'a list separated by commas or line ends'
    json_type = 'array'

    def parse(self, value: Any) -> list[str]:
        if isinstance(value, str):
            return [item.strip() for item in re.split(r'[,\n]', value) if item.strip()]
        if not all(isinstance(item, str) for item in value):
            raise TypeError('not a list of texts')
        return list(value)

    def render(self, value: Any) -> str:
        return '' if value is None else ', '.join(value)

    def masked(self, value: Any) -> Any:
        return None if value is None else [self.mask(item) for item in value]

    def json_schema(self) -> dict[str, Any]:
        return super().json_schema() | {'items': {'type': 'string'}}
