"""Makes the topics of init-kafka.sh without its container.

python -m integration.infra.topics HOST:PORT
"""

from __future__ import annotations

import argparse
import re
from contextlib import closing
from pathlib import Path

from kafka import KafkaAdminClient

_SCRIPT = Path(__file__).with_name('init-kafka.sh')

REQUESTS = 'search-requests'
RESULTS = 'search-results'
DEAD_LETTERS = 'search-requests_dlq'
COUNTS = 'symbol-counts'


def planned() -> dict[str, int]:
    """Return topic → number of partitions, as the script says. Raises ValueError."""
    text = _SCRIPT.read_text(encoding='utf-8')
    partitions = re.search(r'^PARTITIONS=(\d+)$', text, re.MULTILINE)
    topics = re.search(r'^TOPICS="([^"]+)"$', text, re.MULTILINE)
    if partitions is None or topics is None:
        raise ValueError(f'{_SCRIPT.name}: no line PARTITIONS=NUMBER or TOPICS="NAME ..."')
    return dict.fromkeys(topics.group(1).split(), int(partitions.group(1)))


def create(brokers: str) -> dict[str, int]:
    """Make the topics that are missing; return all that were planned."""
    wanted = planned()
    with closing(KafkaAdminClient(bootstrap_servers=brokers.split(','))) as admin:
        there = set(admin.list_topics())
        missing = {
            name: {'num_partitions': partitions, 'replication_factor': 1}
            for name, partitions in wanted.items()
            if name not in there
        }
        if missing:
            admin.create_topics(missing, wait_for_metadata=True)
    return wanted


def main() -> None:
    words = argparse.ArgumentParser(description='Make the topics of init-kafka.sh.')
    words.add_argument('brokers', metavar='HOST:PORT')
    for name, partitions in create(words.parse_args().brokers).items():
        print(f'{name}: {partitions} partitions')


if __name__ == '__main__':
    main()
