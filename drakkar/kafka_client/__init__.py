"""How every part and plugin reaches Kafka: one set of options, one way to connect."""

from drakkar.kafka_client.client import KafkaClient
from drakkar.kafka_client.options import KafkaClientOptions

__all__ = ['KafkaClient', 'KafkaClientOptions']
