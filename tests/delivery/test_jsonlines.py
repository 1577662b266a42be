from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from drakkar.delivery.jsonlines import JsonLines
from drakkar.envelope import Envelope, parse
from drakkar.errors import DeadLetterError
from drakkar.models.delivery import DeadLetter
from drakkar.models.message import SourceMessage


def letter(value: bytes = b'x', topic: str = 'topic') -> DeadLetter:
    return DeadLetter(SourceMessage(topic, 0, 1, value), 'parse', 'bad')


def read(path: Path) -> list[Envelope]:
    return [parse(line) for line in path.read_bytes().splitlines()]


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[JsonLines]:
    (tmp_path / 'a' / 'dlq').mkdir(parents=True)
    queue = JsonLines(tmp_path / 'a' / 'dlq', 'worker-1')
    queue.connect()
    yield queue
    queue.close()


def test_one_file_for_each_topic_and_worker(queue: JsonLines, tmp_path: Path) -> None:
    queue.send([letter(b'1'), letter(b'2', 'other'), letter(b'3')])
    queue.send([letter(b'4')])
    folder = tmp_path / 'a' / 'dlq'
    assert sorted(os.listdir(folder)) == ['other_dlq-worker-1.jsonl', 'topic_dlq-worker-1.jsonl']
    found = read(folder / 'topic_dlq-worker-1.jsonl')
    assert [envelope.message.value for envelope in found] == [b'1', b'3', b'4']


@pytest.mark.parametrize(
    'topic', ['../../etc/passwd', '/abs', '..', '.hidden', 'a b\0c', '', 'x' * 999]
)
def test_a_file_name_stays_in_the_folder(queue: JsonLines, tmp_path: Path, topic: str) -> None:
    queue.send([letter(topic=topic)])
    (name,) = os.listdir(tmp_path / 'a' / 'dlq')
    assert not name.startswith('.')
    assert len(os.fsencode(name)) < 255


def test_different_topics_have_different_files(queue: JsonLines) -> None:
    topics = ['a/b', 'a_b', 'a b', 'ab', '', '_', '.ab', 'x' * 200, 'x' * 201]
    assert len({queue.file_for(topic) for topic in topics}) == len(topics)


@pytest.mark.parametrize('torn', [b'{"version": 1, "mess', b'{"complete": true}'])
def test_after_a_torn_line_the_next_one_is_whole(queue: JsonLines, torn: bytes) -> None:
    queue.send([letter(b'1')])
    path = queue.file_for('topic')
    with path.open('ab') as file:
        file.write(torn)
    queue.send([letter(b'2')])
    lines = path.read_bytes().split(b'\n')
    assert lines[1] == torn
    assert parse(lines[2]).message.value == b'2'
    assert lines[3:] == [b'']


def test_what_can_not_be_written_is_a_dead_letter_error(queue: JsonLines, tmp_path: Path) -> None:
    queue.file_for('topic').mkdir()
    with pytest.raises(DeadLetterError, match='Is a directory'):
        queue.send([letter()])


def test_a_full_disk_is_a_dead_letter_error(queue: JsonLines) -> None:
    queue.file_for('topic').symlink_to('/dev/full')
    with pytest.raises(DeadLetterError, match='No space left'):
        queue.send([letter()])


def test_a_folder_that_can_not_be_made_says_so_at_once(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    queue = JsonLines(tmp_path / 'file' / 'dlq', 'w')
    with pytest.raises(DeadLetterError, match=r'path = .*file/dlq: .*file is a file, expected a d'):
        queue.connect()
    with pytest.raises(DeadLetterError, match='not connected'):
        queue.send([letter()])
    queue.close()


def test_the_folder_is_made_with_the_first_letter_and_again_when_it_was_removed(
    tmp_path: Path,
) -> None:
    queue = JsonLines(tmp_path / 'not' / 'there', 'w')
    queue.connect()
    assert list(tmp_path.iterdir()) == []
    for _ in range(2):
        queue.send([letter()])
        (written,) = (tmp_path / 'not' / 'there').iterdir()
        assert written == queue.file_for('topic')
        shutil.rmtree(tmp_path / 'not')
    queue.close()


def test_a_failure_is_not_printed_by_the_hub(
    queue: JsonLines, capfd: pytest.CaptureFixture[str]
) -> None:
    queue.file_for('topic').mkdir()
    with pytest.raises(DeadLetterError):
        queue.send([letter()])
    assert capfd.readouterr() == ('', '')


def test_the_hub_runs_on_while_it_writes(queue: JsonLines) -> None:
    turns = 0

    def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            gevent.sleep(0.0002)  # a hub that never waits would keep the GIL from the thread

    counter = gevent.spawn(count)
    queue.send([letter(b'x' * 100_000)])
    counter.kill()
    assert turns > 0


def test_connecting_twice_and_closing_twice_is_harmless(queue: JsonLines) -> None:
    queue.connect()
    queue.send([letter()])
    queue.close()
    queue.close()
