"""The bare loop beside the empty `arrange`: reads the embedded log and does nothing with it.

`python -m integration.bench.log_read [MESSAGES]` prints its figures alone.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402

from drakkar import jsonio  # noqa: E402
from drakkar.contracts.source import ProducerRecord, SourceEvents  # noqa: E402
from drakkar.source.log.options import LogOptions  # noqa: E402
from drakkar.source.log.producer import LogProducer  # noqa: E402
from drakkar.source.log.source import LogSource  # noqa: E402

_POLL_MESSAGES = 500


def run(messages: int) -> dict[str, float]:
    """Read `messages` that are in the log already; return rates, CPU and memory.

    The clock runs from before the source starts until the last message is here.
    The peak is that of this process since its start.
    """
    with tempfile.TemporaryDirectory(prefix='drakkar-bench-') as folder:
        fill(folder, messages)
        source = LogSource(LogOptions().load({'path': folder}), 'bench')
        before, started = _cpu_seconds(), time.perf_counter()
        source.start(SourceEvents(_ignore, _ignore, _ignore))
        left = messages
        while left:
            left -= len(source.poll(_POLL_MESSAGES, 1.0))
        seconds, cpu = time.perf_counter() - started, _cpu_seconds() - before
        source.close()
    return {
        'rate': messages / seconds,
        'cpu_us': cpu / messages * 1e6,
        'peak_rss_mib': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        'seconds': seconds,
    }


def fill(folder: str, messages: int) -> None:
    """Put small JSON messages with keys into a new log."""
    with LogProducer(folder) as producer:
        for start in range(0, messages, 5000):
            numbers = range(start, min(start + 5000, messages))
            producer.append_many(
                ProducerRecord(jsonio.dumps_bytes({'n': n}), b'%d' % n) for n in numbers
            )


def _ignore(partitions: object) -> None:
    """Take no note."""


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == '__main__':
    print(json.dumps(run(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)))
