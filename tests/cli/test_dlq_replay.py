"""`drakkar dlq replay` into the embedded log, from the command line's outside."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drakkar.cli.dlq.records import REPLAYS_HEADER
from drakkar.delivery.jsonlines_reader import JsonLinesReader
from drakkar.models.message import SourceMessage
from tests.cli.dlq_world import FILE, dlq, letter, make_folder, message, messages_of, sink, store


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv('DK_CONFIG', raising=False)
    make_folder(tmp_path)
    return tmp_path


def replay(*args: str, code: int = 0) -> dict[str, object]:
    result = dlq('replay', '--json', *args)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def values() -> list[bytes | None]:
    return [found.value for found in messages_of()]


def fields(source: SourceMessage) -> tuple[object, ...]:
    headers = [(name, value) for name, value in source.headers if name != REPLAYS_HEADER]
    return source.topic, source.partition, source.key, source.value, headers


text = st.text(st.characters(exclude_categories=['Cs']), max_size=20)
sources = st.builds(
    SourceMessage,
    topic=st.just('requests'),
    partition=st.integers(0, 3),
    offset=st.integers(0, 2**48),
    value=st.none() | st.binary(),
    key=st.none() | st.binary(),
    timestamp=st.floats(0, 4e9),
    headers=st.lists(st.tuples(text, st.binary())),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(sources, min_size=1, max_size=5, unique_by=lambda m: (m.partition, m.offset)))
def test_a_message_comes_back_equal(found):
    for name in ('dlq', 'log'):
        shutil.rmtree(name, ignore_errors=True)
    store([letter(source) for source in found])
    assert replay('--keep-timestamps')['replayed'] == len(found)
    back = messages_of()
    order = sorted(found, key=lambda source: source.partition)
    assert [fields(source) for source in back] == [fields(source) for source in order]
    assert [source.timestamp for source in back] == [source.timestamp for source in order]
    assert all(source.headers[-1] == (REPLAYS_HEADER, b'1') for source in back)


def test_a_message_with_several_letters_comes_back_once():
    store([letter(message(1), sink=sink('a.b')), letter(message(2))], 'w1')
    store([letter(message(1), sink=sink('c.d')), letter(message(1, partition=2))], 'w2')
    result = replay()
    assert (result['replayed'], result['same_message']) == (3, 1)
    assert len(messages_of()) == 3


def test_filters_ids_and_limit_choose():
    store([letter(message(n, b'%d' % n), sink=sink('a.b' if n % 2 else 'c.d')) for n in range(8)])
    assert replay('--sink', 'a', '--limit', '2')['replayed'] == 2
    assert values() == [b'1', b'3']
    assert replay('--sink', 'a')['replayed'] == 2
    assert replay(f'{FILE}:1', f'{FILE}:3')['replayed'] == 2
    assert values() == [b'1', b'3', b'5', b'7', b'0', b'2']
    assert replay('--error', 'other')['replayed'] == 0


def test_an_id_that_does_not_exist_is_told():
    store([letter(message(1))])
    result = dlq('replay', f'{FILE}:1', f'{FILE}:9')
    assert result.exit_code == 1
    assert f'not replayed: {FILE}:9: there is no such letter' in result.stderr
    assert values() == [b'{"a": 1}']


def test_what_was_replayed_is_not_replayed_again_but_a_new_failure_is():
    store([letter(message(1)), letter(message(2))])
    assert replay()['replayed'] == 2
    again = replay()
    assert (again['replayed'], again['replayed_before']) == (0, 2)
    store([letter(message(2)), letter(message(3))])  # 2 failed once more at its old place
    later = replay()
    assert (later['replayed'], later['replayed_before']) == (2, 2)
    assert replay()['replayed'] == 0
    assert replay('--again')['replayed'] == 3


def test_files_that_were_made_anew_are_not_taken_for_the_old_ones(folder):
    store([letter(message(1)), letter(message(2))])
    assert replay()['replayed'] == 2
    os.unlink(folder / 'dlq' / FILE)
    store([letter(message(2), error='once more')])
    assert replay()['replayed'] == 1


def test_a_run_is_over_what_was_there_when_it_began():
    """A worker that fails again at once must not keep the replay going for ever."""
    store([letter(message(1))])
    with JsonLinesReader('dlq') as reader:
        ends = reader.ends()
        store([letter(message(2))])
        assert [stored.number for stored in reader.read(ends)] == [1]


def test_dry_run_says_what_it_would_do_and_does_nothing(folder):
    store([letter(message(n), error='no\ntable', sink=sink('a.b')) for n in (1, 2, 1)])
    before = sorted(os.listdir(folder / 'dlq'))
    result = dlq('replay', '--dry-run')
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f'would replay requests:1:1 to requests ({FILE}:1; deliver a.b: no table)',
        f'would replay requests:1:2 to requests ({FILE}:2; deliver a.b: no table)',
        'would replay 2 messages to requests; 1 letter of the same messages',
    ]
    assert sorted(os.listdir(folder / 'dlq')) == before
    assert messages_of() == []
    assert replay('--limit', '1')['replayed'] == 1
    assert replay('--dry-run')['replayed'] == 1
    assert len(messages_of()) == 1


def test_the_loop_guard_leaves_what_came_back_too_often():
    headers = [('x', b'1'), (REPLAYS_HEADER, b'2'), ('y', b'2')]
    store([letter(message(1, headers=headers)), letter(message(2))])
    assert replay()['replayed'] == 2
    (back,) = [m for m in messages_of() if len(m.headers) == 3]
    assert back.headers == [('x', b'1'), ('y', b'2'), (REPLAYS_HEADER, b'3')]
    store([letter(message(3, headers=back.headers))])
    result = dlq('replay')
    assert result.exit_code == 1
    assert f'{FILE}:3: it was replayed 3 times already (--max-replays)' in result.stderr
    assert '1 not replayed' in result.stdout
    assert replay('--max-replays', '4')['replayed'] == 1


@pytest.mark.parametrize('count', [b'', b'x', b'-1', b'\xff', b'9' * 30])
def test_a_count_that_is_none_counts_as_zero(count):
    store([letter(message(1, headers=[(REPLAYS_HEADER, count)]))])
    assert replay()['replayed'] == 1
    assert messages_of()[0].headers == [(REPLAYS_HEADER, b'1')]


def test_another_topic_is_written_only_when_asked():
    store([letter(message(1)), letter(message(2, topic='others'))])
    result = replay()
    assert (result['replayed'], result['other_topics']) == (1, {'others': 1})
    assert messages_of('others') == []
    assert replay('--to', 'third')['topics'] == {'third': 2}
    assert len(messages_of('third')) == 2
    assert len(messages_of()) == 1


def test_what_can_not_be_written_is_told_and_the_rest_is():
    store([letter(message(1)), letter(message(2, partition=9, key=b'k')), letter(message(3))])
    result = dlq('replay')
    assert result.exit_code == 1
    assert f'not replayed: {FILE}:2: partition 9 does not exist' in result.stderr
    assert result.stdout.startswith('2 messages replayed to requests in ')
    assert len(messages_of()) == 2
    assert replay('--repartition')['replayed'] == 1


def test_a_letter_without_a_message_is_counted():
    store([letter(message(-1, None, topic='', partition=-1)), letter(message(1))])
    result = replay()
    assert (result['replayed'], result['no_message']) == (1, 1)


def test_torn_lines_are_skipped(folder):
    store([letter(message(1))])
    with (folder / 'dlq' / FILE).open('a') as file:
        file.write('{"torn')
    store([letter(message(2))])
    result = replay()
    assert (result['replayed'], result['foreign']) == (2, 1)


def test_the_time_is_new_unless_asked_for():
    store([letter(message(1, timestamp=5.0))])
    replay()
    replay('--again', '--keep-timestamps')
    first, second = messages_of()
    assert abs(first.timestamp - time.time()) < 60
    assert second.timestamp == 5.0


def test_the_rate_is_kept():
    store([letter(message(n)) for n in range(16)])
    assert replay('--rate', '50')['seconds'] >= 0.2


def test_more_than_one_batch():
    store([letter(message(n, b'%d' % n)) for n in range(1000)])
    assert replay()['replayed'] == 1000
    assert values() == [b'%d' % n for n in range(1000)]


def test_a_second_replay_with_the_same_bookmark_is_refused(folder):
    store([letter(message(1))])
    with (folder / 'mark.db.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = dlq('replay', '--bookmark', 'mark.db')
        assert result.exit_code == 1
        assert 'error: bookmark mark.db: another replay is running with it' in result.stderr
    assert replay('--bookmark', 'mark.db')['replayed'] == 1
    assert replay()['replayed'] == 1


def test_a_bookmark_that_is_no_database(folder):
    store([letter(message(1))])
    (folder / 'mark.db').write_text('hello' * 1000)
    result = dlq('replay', '--bookmark', 'mark.db')
    assert result.exit_code == 1
    assert 'mark.db: is no SQLite database' in result.stderr
    assert messages_of() == []


def test_a_log_that_can_not_be_opened(folder):
    store([letter(message(1))])
    (folder / 'log').write_text('a file')
    result = dlq('replay')
    assert result.exit_code == 3
    assert 'stopped: 0 messages replayed' in result.stderr
    assert 'error: log directory log:' in result.stderr


@pytest.mark.parametrize(
    'args', [['--limit', '0'], ['--rate', '0'], ['--max-replays', '0'], ['--bookmark', '.']]
)
def test_wrong_usage_replays_nothing(args):
    store([letter(message(1))])
    assert dlq('replay', *args).exit_code == 2
    assert messages_of() == []
