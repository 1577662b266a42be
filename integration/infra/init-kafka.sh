#!/bin/sh
# Makes the topics, in the container of the broker. The native stack (topics.py) reads the two lines
# below and makes the same.
PARTITIONS=50
TOPICS="search-requests search-results search-requests_dlq symbol-counts"

set -eu
for topic in $TOPICS; do
    /opt/kafka/bin/kafka-topics.sh --bootstrap-server "${BROKERS:-kafka:29092}" --create \
        --if-not-exists --topic "$topic" --partitions "$PARTITIONS" --replication-factor 1
done
