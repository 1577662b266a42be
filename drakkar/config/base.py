"""The base of all options: what one declaration says, and what is made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, missing

from drakkar.config.masking import mask_text
from drakkar.redact import MASK


class Option(fields.Field[Any]):
    """One `key = value` of a section.

    It is `required` or has a `default`; a default of None makes it optional, and
    an empty text means None then. `description` is a sentence for the reference
    page, `unit` what a number counts. A `secret` is never shown. `validate` takes
    marshmallow validators. Raises ValueError for a declaration that contradicts itself.
    """

    noun: ClassVar[str] = 'text'
    json_type: ClassVar[str] = 'string'

    def __init__(
        self,
        *,
        default: Any = missing,
        required: bool = False,
        description: str = '',
        unit: str = '',
        secret: bool = False,
        validate: Callable[[Any], Any] | list[Callable[[Any], Any]] | None = None,
    ) -> None:
        if required is (default is not missing):
            raise ValueError('an option is either required or has a default')
        super().__init__(required=required, validate=validate)
        self.description = description
        self.unit = unit
        self.secret = secret
        if not required:
            self._take_default(default)

    def _take_default(self, default: Any) -> None:
        self.allow_none = default is None
        try:
            value = self.deserialize(default)
        except ValidationError as error:
            raise ValueError(f'default {default!r}: {error.messages}') from error
        # A fresh list each time: nobody shall change the declaration.
        self.load_default = (lambda: list(value)) if isinstance(value, list) else value

    @property
    def default(self) -> Any:
        """The default value, or None where there is none."""
        if self.load_default is missing:
            return None
        return self.load_default() if callable(self.load_default) else self.load_default

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if value == '' and self.allow_none:
            return None
        if value == '' and self.required:
            raise ValidationError(f'expected {self.allowed()}, not nothing')
        try:
            return self.parse(value)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValidationError(f'expected {self.allowed()}') from error

    def parse(self, value: Any) -> Any:
        """Return the value that a text (or a value of the right type) means.

        Raises ValueError or TypeError for anything that `allowed` does not describe.
        """
        if not isinstance(value, str):
            raise TypeError('not a text')
        return value

    def allowed(self) -> str:
        """Say in words which values are right."""
        return self.noun

    def render(self, value: Any) -> str:
        """Return the text that `parse` turns into `value`."""
        return '' if value is None else str(value)

    def mask(self, text: str) -> str:
        """Return a text of this option as it may be shown."""
        if self.secret:
            return MASK if text else ''
        return mask_text(text)

    def masked(self, value: Any) -> Any:
        """Return a value as it may be shown: itself where nothing needs hiding."""
        text = self.render(value)
        shown = self.mask(text)
        return value if shown == text else shown

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        schema: dict[str, Any] = {'type': self.json_type}
        if self.description:
            schema['description'] = self.description
        if self.secret:
            schema['writeOnly'] = True
        elif not self.required and self.default is not None:
            schema['default'] = self.default
        return schema
