"""Records/s into Kafka: the whole lane of the sink beside a bare producer with the same batches.

python -m gevent.monkey --module integration.bench.sinks.kafka
"""

from __future__ import annotations

import sys
from typing import Any

from kafka import KafkaProducer
from kafka.partitioner import StickyPartitioner

from drakkar import jsonio
from drakkar_sink_kafka import KafkaPayload, KafkaSinkOptions
from drakkar_sink_kafka.sink import KafkaSink
from integration.bench.sinks import lane
from integration.servers.kafka import Kafka

BATCH = 500
BATCH_BYTES = 64 << 10
TOPIC = 'bench'


def run(count: int = 50_000, rounds: int = 5) -> dict[str, Any]:
    """Write `count` records each way, in turn, `rounds` times; return the median rates and ratio.

    Needs an interpreter that gevent has patched. Both write JSON with a key in batches of 500,
    acknowledged by all replicas, with an idempotent producer of the same settings.
    """
    rows: list[dict[str, Any]] = [
        {'id': n, 'pattern': f'pattern {n}', 'lines': n % 1000} for n in range(count)
    ]
    with Kafka() as server:
        server.create_topic(TOPIC, 8)

        def bare() -> lane.Cost:
            return _bare(server.address, rows)

        def product() -> lane.Cost:
            options = KafkaSinkOptions().load({'topic': TOPIC, 'brokers': server.address})
            sink = KafkaSink('main', options)
            payloads = [KafkaPayload(row, key=b'%d' % row['id']) for row in rows]
            return lane.through_lane('kafka', sink, payloads)

        return lane.compare('Kafka sink', count, rounds, bare, product)


def _bare(brokers: str, rows: list[dict[str, Any]]) -> lane.Cost:
    producer = KafkaProducer(
        bootstrap_servers=brokers.split(','),
        acks='all',
        enable_idempotence=True,
        metrics_enabled=False,
        batch_size=BATCH_BYTES,
        partitioner=StickyPartitioner(),
    )
    producer.partitions_for(TOPIC)
    cost = lane.stopwatch()
    for start in range(0, len(rows), BATCH):
        futures = [
            producer.send(TOPIC, jsonio.dumps_bytes(row), b'%d' % row['id'])
            for row in rows[start : start + BATCH]
        ]
        for future in futures:
            future.get(30)
    spent = cost()
    producer.close()
    return spent


if __name__ == '__main__':
    lane.show(run(*(int(argument) for argument in sys.argv[1:])), 'bare kafka-python')
