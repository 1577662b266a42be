"""A worker's share of a group in a process of its own, which a test may freeze."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

from drakkar.contracts.source import SourceEvents  # noqa: E402
from drakkar.errors import PartitionLostError, SourceError  # noqa: E402
from tests.services.kafka_lab import load_options, make_source  # noqa: E402


def say(what: str, **fields: object) -> None:
    print(json.dumps({'what': what, 'at': time.time(), **fields}), flush=True)


def main(brokers: str, topic: str) -> None:
    """Read and commit what was read, again and again; tell of everything on stdout."""

    def told(what: str):
        return lambda tps: say(what, partitions=[tp.partition for tp in tps])

    source = make_source(load_options(brokers, topic, session_timeout_ms=2000), 'zombie')
    source.start(SourceEvents(told('assigned'), told('revoked'), told('lost')))
    waiting = {}
    while True:
        try:
            for message in source.poll(100, 0.5):
                say('read', partition=message.partition, offset=message.offset)
                waiting[message.topic_partition] = message.offset + 1
            source.commit(waiting)
        except PartitionLostError as error:
            say('refused', partitions=[tp.partition for tp in error.partitions])
            waiting.clear()
        except SourceError as error:
            say('failed', error=str(error))


if __name__ == '__main__':
    main(*sys.argv[1:])
