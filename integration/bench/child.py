"""Runs one measurement in a process of its own and prints it as JSON.

A fresh process a measurement: the peak of memory belongs to it alone.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import sys  # noqa: E402

from integration.bench import log_read, pipeline, spawn  # noqa: E402


def main(name: str, count: int, program: str, executors: int) -> None:
    if name == 'bare-log':
        figures = log_read.run(count)
    elif name == 'bare-spawn':
        figures = spawn.run(count, executors, program)
    else:
        figures = pipeline.run(name, count, program, executors)
    print(json.dumps(figures))


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
