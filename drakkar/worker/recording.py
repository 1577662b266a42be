"""Makes the worker's recorder, and says who writes its files."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drakkar import redact
from drakkar.config.show import as_mapping
from drakkar.contracts.observer import Observer
from drakkar.contracts.service import Service
from drakkar.contracts.source import SourceSpec
from drakkar.models.snapshot import WorkerSnapshot
from drakkar.recorder import Recorder, RecorderSettings


def make_recorder(
    config: Any,
    spec: SourceSpec,
    info: Mapping[str, str],
    started_at: float,
    snapshot: Callable[[], WorkerSnapshot],
    told: Observer,
) -> Recorder | None:
    """Return the recorder that section `[debug]` asks for; None where it is not enabled.

    `info` names worker, cluster, version, handler, source and group. Raises ConfigError
    where `db_dir` is no folder.
    """
    if not config.debug.enabled:
        return None
    section = getattr(config, spec.name, None)
    identity = {
        **{key: value for key, value in info.items() if key != 'cluster'},
        'cluster_name': config.cluster,
        'topic': getattr(section, 'source_topic', None) or getattr(section, 'topic', ''),
        'started_at': started_at,
        'pid': os.getpid(),
        'host': socket.gethostname(),
        'debug_url': config.debug.debug_url,
        'debug_port': None,
        'metrics_port': None,
        'config': _shown(config),
    }
    return Recorder(RecorderSettings.of(config.debug), identity, snapshot, told)


def _shown(config: Any) -> dict[str, dict[str, Any]]:
    """Return the configuration without secrets, and without any value of `[executor.env]`."""
    return {
        section: {
            key: redact.MASK if section == 'executor.env' else row['value']
            for key, row in options.items()
        }
        for section, options in as_mapping(config).items()
    }


def addresses(config: Any, services: Sequence[Service]) -> dict[str, Any]:
    """Return where others find this worker, once its ports are bound."""
    found: dict[str, Any] = {}
    for service in services:
        if service.name in ('debug', 'metrics'):
            found[f'{service.name}_port'] = service.port
        if service.name == 'debug':
            found['debug_url'] = config.debug.debug_url or service.url
    return found
