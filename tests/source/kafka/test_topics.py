"""Topics to read, their dead letters, and the loop that must not be."""

from __future__ import annotations

import pytest

from drakkar.errors import ConfigError
from drakkar.source.kafka.topics import Topics


def test_dead_letters_go_beside_the_topic_or_where_they_are_told() -> None:
    assert Topics(['a']).dead_letter_topic('a') == 'a_dlq'
    assert Topics(['a', 'b']).dead_letter_topic('http') == 'a_dlq'
    assert Topics(['a'], dead_letters='letters').dead_letter_topic('a') == 'letters'


@pytest.mark.parametrize('topics', [(['a', 'letters'], 'letters'), (['a', 'a_dlq'], '')])
def test_a_source_must_not_read_its_own_dead_letters(topics: tuple[list[str], str]) -> None:
    names, letters = topics
    with pytest.raises(ConfigError, match='is also where dead letters go'):
        Topics(names, dead_letters=letters)


def test_replaying_a_dead_letter_queue_by_reading_it_is_allowed() -> None:
    assert Topics(['a_dlq']).read('a_dlq')


@pytest.mark.parametrize(
    ('topic', 'read'),
    [
        ('search-a', True),
        ('search-', True),
        ('research-a', False),
        ('search-a_dlq', False),
        ('search-letters', False),
        ('search-letters-2', True),
    ],
)
def test_a_pattern_holds_for_the_whole_name_and_no_dead_letters(topic: str, read: bool) -> None:
    topics = Topics([], 'search-|search-.*', 'search-letters')
    assert topics.read(topic) is read
