"""The bare loop beside the one-shot tasks: the executor's own spawn code with nothing around it.

`python -m integration.bench.spawn PROGRAM [TASKS] [CONCURRENCY]` prints its figures alone.
"""

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Iterator  # noqa: E402

import gevent  # noqa: E402

from drakkar.config.sections.executor import ExecutorOptions  # noqa: E402
from drakkar.executor.launch import Launcher  # noqa: E402
from drakkar.models.task import ExecutorTask  # noqa: E402


def run(tasks: int, concurrency: int, program: str) -> dict[str, float]:
    """Run `program` so many times, `concurrency` at once; return rates, CPU and memory.

    `cpu_us` is what this process itself spends on a task, in microseconds.
    """
    options = ExecutorOptions().load({'binary_path': program})
    launcher = Launcher(options, os.environ, 'bench')
    launcher.start()
    numbers = iter(range(tasks))
    before, started = _cpu_seconds(), time.perf_counter()
    gevent.joinall(
        [gevent.spawn(_spawn_all, launcher, numbers) for _ in range(concurrency)], raise_error=True
    )
    seconds, cpu = time.perf_counter() - started, _cpu_seconds() - before
    launcher.close()
    return {
        'rate': tasks / seconds,
        'cpu_us': cpu / tasks * 1e6,
        'peak_rss_mib': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        'seconds': seconds,
    }


def _spawn_all(launcher: Launcher, numbers: Iterator[int]) -> None:
    task = ExecutorTask()
    for _ in numbers:
        process = launcher.launch(task)
        try:
            process.wait(launcher.timeout(task))
        finally:
            process.release()
        if process.status != 0:
            raise RuntimeError(f'the program ended with status {process.status}')


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == '__main__':
    count, at_once = int((sys.argv[2:3] or ['5000'])[0]), int((sys.argv[3:4] or ['4'])[0])
    for name, figure in run(count, at_once, sys.argv[1]).items():
        print(f'{name}: {figure:.1f}')
