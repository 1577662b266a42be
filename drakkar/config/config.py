"""The loaded configuration of a worker."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema

from drakkar.config.assign import Assignments
from drakkar.config.values import Options
from drakkar.contracts.sink import SinkSpec
from drakkar.models.delivery import SinkRef


@dataclass(frozen=True, slots=True)
class SinkInstance:
    """One `[sinks.TYPE.NAME]`: its type, its name, and its options with those of all sinks."""

    spec: SinkSpec
    name: str
    options: Options

    @property
    def ref(self) -> SinkRef:
        return SinkRef(self.spec.name, self.name)


class Config(Options):
    """All sections as attributes: `config.executor.limits.cpu_seconds`, `config.log.path`.

    `config.handler` holds the options of the handler, `config.sinks.TYPE` the
    instances of a sink type by name. Values may be changed, by `on_startup` for one.
    """

    __slots__ = ('_environ', '_sink_specs', 'found', 'path', 'root')

    root: Schema
    found: Assignments
    path: str

    @classmethod
    def make(
        cls,
        root: Schema,
        sections: Options,
        found: Assignments,
        sinks: Mapping[str, SinkSpec],
        environ: Mapping[str, str],
        path: str,
    ) -> Config:
        """Wrap loaded sections; `found` says where each value came from."""
        config = cls(root.fields, vars(sections))
        extras = {
            'root': root,
            'found': found,
            'path': path,
            '_sink_specs': dict(sinks),
            '_environ': environ,
        }
        for name, value in extras.items():
            object.__setattr__(config, name, value)
        return config

    def __reduce__(self) -> tuple[Any, ...]:
        sections = Options(self._fields, vars(self))
        return Config.make, (
            self.root,
            sections,
            self.found,
            self._sink_specs,
            dict(self._environ),
            self.path,
        )

    @property
    def worker_id(self) -> str:
        """The worker's name; where none is configured, made of host name and process id."""
        return self._name or f'{os.uname().nodename}-{os.getpid()}'

    @property
    def is_named(self) -> bool:
        """Whether the worker has a name of its own, which it keeps over a restart."""
        return bool(self._name)

    @property
    def _name(self) -> str:
        options = self.drakkar
        name: str = options.worker_name or self._environ.get(options.worker_name_env, '')
        return name

    @property
    def cluster(self) -> str:
        """The name of the cluster, or an empty text."""
        name: str = self.drakkar.cluster_name
        return name

    @property
    def sink_instances(self) -> dict[SinkRef, SinkInstance]:
        """Every configured sink instance. Keys compare equal to `(type, name)`."""
        return {
            SinkRef(type_name, name): SinkInstance(spec, name, options)
            for type_name, spec in self._sink_specs.items()
            for name, options in getattr(self.sinks, type_name).items()
        }
