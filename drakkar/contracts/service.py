"""What a worker serves beside its work: metrics, the UI, the webapp."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Service(ABC):
    """A server that lives as long as its worker."""

    name: str = ''

    @abstractmethod
    def bind(self) -> None:
        """Take the port before anything is connected. Raises ConfigError that names the option."""

    @abstractmethod
    def start(self) -> None:
        """Serve from now on."""

    def drain(self) -> None:  # noqa: B027 - most have nothing to do
        """The worker is about to stop: take no new work. Must not wait."""

    def settle(self) -> None:  # noqa: B027 - as above
        """Wait until what was taken on before `drain` has ended, within its own limits."""

    @abstractmethod
    def stop(self) -> None:
        """End requests under way and free the port. Idempotent."""

    @property
    @abstractmethod
    def port(self) -> int:
        """The port that is bound, or the configured one before `bind`."""

    @property
    @abstractmethod
    def url(self) -> str:
        """Where somebody on this machine finds it."""
