"""Kafka as a source: consumer group, dead letter queue and producer."""
