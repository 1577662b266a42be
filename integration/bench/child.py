"""Runs one measurement in a process of its own and prints it as JSON.

A fresh process a measurement: the peak of memory belongs to it alone.
"""

from gevent import monkey

monkey.patch_all()

import importlib  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402


def measure(name: str, count: int, program: str, number: int) -> dict[str, Any]:
    """Return the figures of `name`; `number` is how many executors, or rounds for a sink.

    Only what is measured is imported: other drivers would count in the memory.
    """
    if name.startswith('sink-'):
        module = importlib.import_module(f'integration.bench.sinks.{name[5:]}')
        figures: dict[str, Any] = module.run(rounds=number)
    elif name == 'bare-log':
        figures = importlib.import_module('integration.bench.log_read').run(count)
    elif name == 'bare-spawn':
        figures = importlib.import_module('integration.bench.spawn').run(count, number, program)
    else:
        runner = importlib.import_module(f'integration.bench.{_module(name)}')
        figures = runner.run(name, count, program, number)
    return figures


_MODULES = ('webapp', 'cache', 'recorder', 'ui', 'kafka')


def _module(name: str) -> str:
    """Return the module that measures `name`: most have the name's first part."""
    if name == 'kafka-backpressure':
        return 'backpressure'
    return next((m for m in _MODULES if m in name.split('-')), 'pipeline')


if __name__ == '__main__':
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))))
