"""The loaded values of one section."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from drakkar.config.masking import masked_by_name


class Options:
    """Values of one section as attributes, which may be changed but not added to.

    `fields` are the declarations behind them, by name; they say what to mask.
    """

    # Values live in the instance's `__dict__`, so that reading one costs a plain attribute access.
    __slots__ = ('__dict__', '_fields')

    _fields: Mapping[str, Any]

    def __init__(self, fields: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        object.__setattr__(self, '_fields', fields)
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(self._unknown(name))

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.__dict__:
            raise AttributeError(self._unknown(name))
        self.__dict__[name] = value

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f'option {name!r} can be changed but not removed')

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.__dict__, n=1)
        hint = f', did you mean {near[0]!r}?' if near else ''
        return f'there is no option {name!r}{hint}'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Options) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # values change

    def __repr__(self) -> str:
        values = ', '.join(f'{name}={value!r}' for name, value in self.masked().items())
        return f'{type(self).__name__}({values})'

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self._fields, dict(self.__dict__))

    def asdict(self) -> dict[str, Any]:
        """Return the values, those of sub-sections too, as plain mappings. Secrets are readable."""
        return {name: _plain(value) for name, value in self.__dict__.items()}

    def masked(self) -> dict[str, Any]:
        """Return what `asdict` does with every secret replaced by `***`."""
        return {name: self._masked(name, value) for name, value in self.__dict__.items()}

    def _masked(self, name: str, value: Any) -> Any:
        field = self._fields.get(name)
        if field is not None and hasattr(field, 'masked'):
            return field.masked(value)
        return masked_by_name(name, value)  # a plugin's schema may be any of marshmallow


def _restore(cls: type[Options], fields: Mapping[str, Any], values: Mapping[str, Any]) -> Options:
    """Copy and pickle make an object without calling `__init__` of a subclass."""
    restored = cls.__new__(cls)
    Options.__init__(restored, fields, values)
    return restored


def _plain(value: Any) -> Any:
    if isinstance(value, Options):
        return value.asdict()
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value
