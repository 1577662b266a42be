"""Sections and what may be inside one: a sub-section, named ones, or free names."""

from __future__ import annotations

import inspect
from collections.abc import Mapping as AnyMapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, missing, post_load

from drakkar.config.masking import mask_text
from drakkar.config.values import Options
from drakkar.redact import MASK, is_secret_name


class OptionSchema(Schema):
    """The options of one section; loads into `Options`. Its docstring is their description."""

    class Meta:
        unknown = RAISE

    @post_load
    def _to_options(self, values: dict[str, Any], **kwargs: Any) -> Options:
        # Only a section that need not be complete lacks any: see SubSection.
        return Options(self.fields, dict.fromkeys(self.fields) | values)


class Section(fields.Field[Any]):
    """Base of what has a `[section]` header of its own; never missing, it may be empty."""

    description = ''

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super().deserialize({} if value is missing else value, *args, **kwargs)

    def masked(self, value: Any) -> Any:
        """Return the values as they may be shown."""
        raise NotImplementedError


class SubSection(Section):
    """One section with a schema. With `complete=False` its required options may be missing.

    They are None then.
    """

    def __init__(self, schema: type[Schema], *, complete: bool = True) -> None:
        super().__init__()
        self.schema = schema()
        self.description = describe(schema)
        required = [name for name, field in self.schema.fields.items() if field.required]
        self.complete = complete
        self._optional = () if complete else tuple(required)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Options:
        return load_section(self.schema, value, self._optional)

    def masked(self, value: Any) -> Any:
        return value.masked()


class NamedSections(Section):
    """Any number of sections of one schema, each with a name: `[webapp.clients.NAME]`."""

    def __init__(self, schema: type[Schema]) -> None:
        super().__init__()
        self.schema = schema()
        self.description = describe(schema)

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> dict[str, Options]:
        loaded, problems = {}, {}
        for name, values in value.items():
            try:
                loaded[name] = load_section(self.schema, values)
            except ValidationError as error:
                problems[name] = error.messages
        if problems:
            raise ValidationError(problems)
        return loaded

    def masked(self, value: Any) -> Any:
        return {name: options.masked() for name, options in value.items()}


class Mapping(Section):
    """A section whose keys are free: a `dict[str, str]`."""

    def __init__(self, *, description: str = '') -> None:
        super().__init__()
        self.description = description

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> dict[str, str]:
        return dict(value)

    def mask(self, name: str, text: str) -> str:
        """Return the value of `name` as it may be shown."""
        if is_secret_name(name):
            return MASK if text else ''
        return mask_text(text)

    def masked(self, value: Any) -> Any:
        return {name: self.mask(name, text) for name, text in value.items()}


def load_section(
    schema: Schema, values: AnyMapping[str, Any], optional: tuple[str, ...] = ()
) -> Options:
    """Load one section. Raises ValidationError.

    A plugin's schema may be any marshmallow schema; its values become Options too.
    """
    loaded = schema.load(values, partial=optional)
    return loaded if isinstance(loaded, Options) else Options(schema.fields, loaded)


def describe(schema: type[Schema]) -> str:
    """Return a schema's own docstring on one line."""
    return ' '.join(inspect.cleandoc(schema.__dict__.get('__doc__') or '').split())
