"""A process that appends or consumes until it is killed, and writes down what it was promised.

`victim.py append|consume LOG JOURNAL [LEASE_SECONDS]`: a line of the journal was true when written.
"""

from __future__ import annotations

import gevent.monkey

gevent.monkey.patch_all()

import os  # noqa: E402
import sys  # noqa: E402

from drakkar.contracts.source import ProducerRecord, SourceEvents  # noqa: E402
from drakkar.source.log.options import LogOptions  # noqa: E402
from drakkar.source.log.producer import LogProducer  # noqa: E402
from drakkar.source.log.source import LogSource  # noqa: E402

BATCH = 7


def append(path: str, write, lease: float) -> None:
    with LogProducer(path, partitions=4) as producer:
        write('ready')
        number = 0
        while True:
            name = f'{os.getpid()}-{number}'
            batch = [ProducerRecord(f'{name}-{i}'.encode(), b'%d' % i) for i in range(BATCH)]
            producer.append_many(batch)
            write(f'appended {name}')
            number += 1


def consume(path: str, write, lease: float) -> None:
    options = LogOptions().load({'path': path, 'lease_seconds': lease, 'poll_interval_ms': 5})
    source = LogSource(options, f'w{os.getpid()}')
    given_up = []
    source.start(SourceEvents(lambda tps: None, given_up.extend, lambda tps: None))
    write('ready')
    while True:
        messages = source.poll(20, 0.05)
        if given_up:
            source.release(given_up)
            given_up.clear()
        for message in messages:
            write(f'read {message.value.decode()}')
        offsets = {m.topic_partition: m.offset + 1 for m in messages}
        if offsets:
            source.commit(offsets)
            for tp, offset in offsets.items():
                write(f'committed {tp.partition} {offset}')


if __name__ == '__main__':
    action, log_path, journal, *rest = sys.argv[1:]
    descriptor = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    {'append': append, 'consume': consume}[action](
        log_path, lambda line: os.write(descriptor, f'{line}\n'.encode()), float(*rest or [0.5])
    )
