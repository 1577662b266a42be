"""Records/s into Kafka: the whole lane of the sink beside a bare producer with the same batches.

python -m gevent.monkey --module integration.bench.sinks.kafka
"""

from __future__ import annotations

import sys
import time
from typing import Any

from kafka import KafkaProducer
from kafka.partitioner import StickyPartitioner

from drakkar import jsonio
from drakkar_sink_kafka import KafkaPayload, KafkaSinkOptions
from drakkar_sink_kafka.sink import KafkaSink
from integration.bench.sinks.lane import compare, show, through_lane
from integration.servers.kafka import Kafka

BATCH = 500
BATCH_BYTES = 64 << 10
TOPIC = 'bench'


def run(count: int = 50_000, rounds: int = 5) -> dict[str, Any]:
    """Write `count` records each way, in turn, `rounds` times; return the median rates and ratio.

    Needs an interpreter that gevent has patched. Both write JSON with a key in batches of 500,
    acknowledged by all replicas, with an idempotent producer of the same settings.
    """
    rows = [{'id': n, 'pattern': f'pattern {n}', 'lines': n % 1000} for n in range(count)]
    with Kafka() as server:
        server.create_topic(TOPIC, 8)

        def bare() -> float:
            return _bare(server.address, rows)

        def product() -> float:
            options = KafkaSinkOptions().load({'topic': TOPIC, 'brokers': server.address})
            sink = KafkaSink('main', options)
            payloads = [KafkaPayload(row, key=b'%d' % row['id']) for row in rows]
            return through_lane('kafka', sink, payloads)

        return compare('Kafka sink', count, rounds, bare, product)


def _bare(brokers: str, rows: list[dict[str, Any]]) -> float:
    producer = KafkaProducer(
        bootstrap_servers=brokers.split(','),
        acks='all',
        enable_idempotence=True,
        metrics_enabled=False,
        batch_size=BATCH_BYTES,
        partitioner=StickyPartitioner(),
    )
    producer.partitions_for(TOPIC)
    started = time.perf_counter()
    for start in range(0, len(rows), BATCH):
        futures = [
            producer.send(TOPIC, jsonio.dumps_bytes(row), b'%d' % row['id'])
            for row in rows[start : start + BATCH]
        ]
        for future in futures:
            future.get(30)
    seconds = time.perf_counter() - started
    producer.close()
    return seconds


if __name__ == '__main__':
    show(run(*(int(argument) for argument in sys.argv[1:])), 'bare kafka-python')
