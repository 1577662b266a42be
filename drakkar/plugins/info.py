"""What is known of one plugin, for people and for `drakkar plugins --json`."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Status(enum.Enum):
    """What became of a plugin."""

    LOADED = 'loaded'
    BLOCKED = 'blocked'
    BROKEN = 'broken'


@dataclass(slots=True)
class PluginInfo:
    """One plugin by its entry point's name, and the distribution that installed it.

    `registers` holds what it brought, as `<kind> <name>`; `reason` says why it
    was not loaded, `error` is the exception behind that of a broken one.
    """

    name: str
    distribution: str
    version: str
    status: Status = Status.LOADED
    registers: list[str] = field(default_factory=list)
    reason: str = ''
    error: Exception | None = None

    def failed(self, error: Exception) -> None:
        """Note that the plugin is broken: nothing it brought can be counted on."""
        self.status, self.reason, self.error = Status.BROKEN, str(error), error
        self.registers.clear()

    @property
    def title(self) -> str:
        """The plugin as error messages name it."""
        return f'plugin {self.name!r} of {self.distribution} {self.version}'
