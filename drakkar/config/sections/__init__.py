"""The sections of the core, one file each. A new one is one more file and one more line here."""

from __future__ import annotations

from drakkar.config.option import OptionSchema
from drakkar.config.sections.cache import CacheOptions
from drakkar.config.sections.debug import DebugOptions
from drakkar.config.sections.dlq import DlqOptions
from drakkar.config.sections.drakkar import DrakkarOptions
from drakkar.config.sections.executor import ExecutorOptions
from drakkar.config.sections.logging import LoggingOptions
from drakkar.config.sections.metrics import MetricsOptions
from drakkar.config.sections.sinks import SinksOptions
from drakkar.config.sections.source import SourceOptions
from drakkar.config.sections.webapp import WebappOptions

# In the order of the reference page.
SECTIONS: dict[str, type[OptionSchema]] = {
    'drakkar': DrakkarOptions,
    'source': SourceOptions,
    'executor': ExecutorOptions,
    'sinks': SinksOptions,
    'dlq': DlqOptions,
    'cache': CacheOptions,
    'webapp': WebappOptions,
    'debug': DebugOptions,
    'metrics': MetricsOptions,
    'logging': LoggingOptions,
}
