from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

import drakkar.api as dk
from drakkar_sink_filesystem import FileOptions, FilePayload
from drakkar_sink_filesystem.appender import Appender
from drakkar_sink_filesystem.sink import FileSink

Make = Callable[..., FileSink]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make connected sinks on `tmp_path/base`."""
    (tmp_path / 'base').mkdir()
    sinks: list[FileSink] = []

    def build(**options: Any) -> FileSink:
        loaded = FileOptions().load({'base_path': str(tmp_path / 'base'), **options})
        sink = FileSink('files', loaded)
        sink.connect()
        sinks.append(sink)
        return sink

    yield build
    for sink in sinks:
        sink.close()


def numbers(path: Path) -> list[int]:
    return [json.loads(line)['n'] for line in path.read_bytes().splitlines()]


def line(path: str, n: int) -> FilePayload:
    return FilePayload(path, {'n': n})


def failures_of(sink: FileSink, *payloads: FilePayload) -> dict[int, BaseException]:
    with pytest.raises(dk.PartialDeliveryError) as caught:
        sink.deliver(payloads)
    return caught.value.failures


def test_a_batch_is_split_by_file_and_folders_are_made(make: Make, tmp_path: Path) -> None:
    make().deliver([line('a.jsonl', 1), line('deep/er/b.jsonl', 2), line('a.jsonl', 3)])
    assert numbers(tmp_path / 'base' / 'a.jsonl') == [1, 3]
    assert numbers(tmp_path / 'base' / 'deep' / 'er' / 'b.jsonl') == [2]


def test_one_write_for_each_file(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = make()
    real, writes = os.write, []

    def write(fd: int, data: Any) -> int:
        writes.append(bytes(data))
        return real(fd, data)

    monkeypatch.setattr('drakkar_sink_filesystem.appender.os.write', write)
    sink.deliver([line('a', 1), line('b', 2), line('a', 3)])
    lines = [data for data in writes if data.startswith(b'{"n"')]
    assert lines == [b'{"n":1}\n{"n":3}\n', b'{"n":2}\n']


@pytest.mark.parametrize(
    'path',
    [
        '/etc/passwd',
        '../x',
        'a/../../x',
        'a/..',
        '..',
        '',
        '.',
        'a/',
        'a\0b',
        'out/x',
        'x' * 300,
        '\ud800',
    ],
)
def test_a_path_that_is_not_a_file_below_base_is_refused_alone(
    make: Make, tmp_path: Path, path: str
) -> None:
    sink = make()
    (tmp_path / 'outside').mkdir()
    (tmp_path / 'base' / 'out').symlink_to(tmp_path / 'outside')
    failures = failures_of(sink, line('good', 1), line(path, 2))
    assert list(failures) == [1]
    assert isinstance(failures[1], dk.RefusedError)
    assert numbers(tmp_path / 'base' / 'good') == [1]
    assert os.listdir(tmp_path / 'outside') == []
    assert sorted(os.listdir(tmp_path)) == ['base', 'outside']


def test_a_sibling_with_the_same_beginning_is_outside(make: Make, tmp_path: Path) -> None:
    sink = make()
    (tmp_path / 'base2').mkdir()
    (tmp_path / 'base' / 'link').symlink_to(tmp_path / 'base2')
    with pytest.raises(dk.RefusedError, match='symbolic link'):
        sink.deliver([line('link/x', 1)])


def test_a_link_that_stays_inside_is_fine_and_means_the_same_file(
    make: Make, tmp_path: Path
) -> None:
    sink = make()
    sink.deliver([line('real/x', 1)])
    (tmp_path / 'base' / 'link').symlink_to('real')
    sink.deliver([line('link/x', 2), line('real/x', 3)])
    assert numbers(tmp_path / 'base' / 'real' / 'x') == [1, 2, 3]


def test_a_base_path_that_is_a_link_itself_is_fine(tmp_path: Path) -> None:
    (tmp_path / 'real').mkdir()
    (tmp_path / 'base').symlink_to('real')
    sink = FileSink('files', FileOptions().load({'base_path': str(tmp_path / 'base')}))
    sink.connect()
    sink.deliver([line('x', 1)])
    sink.close()
    assert numbers(tmp_path / 'real' / 'x') == [1]


def test_what_is_not_a_regular_file_is_refused(make: Make, tmp_path: Path) -> None:
    sink = make()
    os.mkfifo(tmp_path / 'base' / 'pipe')
    with pytest.raises(dk.RefusedError, match='not a regular file'):
        sink.deliver([line('pipe', 1)])


def test_a_file_where_a_folder_should_be_is_refused(make: Make) -> None:
    sink = make()
    sink.deliver([line('a', 1)])
    with pytest.raises(dk.RefusedError, match=r'Not a directory|File exists'):
        sink.deliver([line('a/b', 2)])


def test_after_a_crash_the_next_line_is_whole(make: Make, tmp_path: Path) -> None:
    file = tmp_path / 'base' / 'a'
    make().deliver([line('a', 1)])
    with file.open('ab') as torn:
        torn.write(b'{"n": 2, "to')
    make().deliver([line('a', 3)])
    assert file.read_bytes().split(b'\n') == [b'{"n":1}', b'{"n": 2, "to', b'{"n":3}', b'']


def test_a_file_that_was_moved_or_deleted_is_made_anew(make: Make, tmp_path: Path) -> None:
    sink = make()
    file = tmp_path / 'base' / 'a'
    sink.deliver([line('a', 1)])
    file.rename(tmp_path / 'moved')
    sink.deliver([line('a', 2)])
    file.unlink()
    sink.deliver([line('a', 3)])
    assert numbers(tmp_path / 'moved') == [1]
    assert numbers(file) == [3]


def test_open_files_are_bounded(make: Make, tmp_path: Path) -> None:
    sink = make(max_open_files=3)
    sink.deliver([line('first', 0)])
    before = len(os.listdir('/proc/self/fd'))
    for _ in range(2):
        sink.deliver([line(f'f{n}', n) for n in range(20)])
    assert len(os.listdir('/proc/self/fd')) <= before + 2
    assert numbers(tmp_path / 'base' / 'f7') == [7, 7]


def test_files_are_set_aside_by_size_under_rising_numbers(make: Make, tmp_path: Path) -> None:
    sink = make(rotate_bytes=16)  # two lines
    for n in range(1, 8):
        sink.deliver([line('a.jsonl', n)])
    base = tmp_path / 'base'
    assert numbers(base / 'a.jsonl.1') == [1, 2]
    assert numbers(base / 'a.jsonl.2') == [3, 4]
    assert numbers(base / 'a.jsonl.3') == [5, 6]
    assert numbers(base / 'a.jsonl') == [7]


@pytest.mark.parametrize(
    ('keep', 'left'), [(1, [4]), (2, [3, 4]), (3, [2, 3, 4]), (9, [1, 2, 3, 4])]
)
def test_old_ones_are_deleted_only_on_request(
    make: Make, tmp_path: Path, keep: int, left: list[int]
) -> None:
    sink = make(rotate_bytes=1, rotate_keep=keep)
    for n in range(1, 5):
        sink.deliver([line('a', n)])
    found = sorted(os.listdir(tmp_path / 'base'))
    assert found == [f'a.{n}' for n in left]


def test_two_sinks_on_one_file_lose_no_line_when_it_rotates(make: Make, tmp_path: Path) -> None:
    one, two = make(rotate_bytes=100), make(rotate_bytes=100)

    def write(sink: FileSink, start: int) -> None:
        for n in range(start, start + 200):
            sink.deliver([line('a', n)])

    gevent.joinall([gevent.spawn(write, one, 0), gevent.spawn(write, two, 1000)], raise_error=True)
    found = [n for file in (tmp_path / 'base').iterdir() for n in numbers(file)]
    assert sorted(found) == [*range(200), *range(1000, 1200)]


def small_disk(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """Let files take `room` more bytes in all, then ENOSPC, as a disk does."""
    real, left = os.write, [room]

    def write(fd: int, data: Any) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = real(fd, bytes(data)[: left[0]])
        left[0] -= written
        return written

    monkeypatch.setattr('drakkar_sink_filesystem.appender.os.write', write)


def test_a_full_disk_keeps_what_fitted_and_tears_no_later_line(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = make()
    with monkeypatch.context() as patch:
        small_disk(patch, room=20)  # two lines and a half
        failures = failures_of(sink, *[line('a', n) for n in range(4)])
    assert list(failures) == [2, 3]
    assert all(isinstance(error, dk.TransientSinkError) for error in failures.values())
    sink.deliver([line('a', 9)])
    text = (tmp_path / 'base' / 'a').read_bytes()
    assert text == b'{"n":0}\n{"n":1}\n{"n"\n{"n":9}\n'


@pytest.mark.parametrize(
    ('code', 'kind'),
    [
        (errno.ENOSPC, dk.TransientSinkError),
        (errno.EIO, dk.TransientSinkError),
        (errno.EMFILE, dk.TransientSinkError),
        (errno.EACCES, dk.RefusedError),
        (errno.EISDIR, dk.RefusedError),
    ],
)
def test_errors_of_the_system_are_told_apart(
    make: Make, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[Exception]
) -> None:
    sink = make()

    def refuse(*args: Any, **kwargs: Any) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr('drakkar_sink_filesystem.appender.Appender.append', refuse)
    with pytest.raises(kind, match='a: '):
        sink.deliver([line('a', 1)])


def test_fsync_covers_the_lines_and_the_name_of_a_new_file(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = make(fsync='true')
    real, synced = os.fsync, []

    def fsync(fd: int) -> None:
        synced.append(os.path.basename(os.readlink(f'/proc/self/fd/{fd}')))
        real(fd)

    monkeypatch.setattr('drakkar_sink_filesystem.appender.os.fsync', fsync)
    sink.deliver([line('a', 1)])
    sink.deliver([line('a', 2)])
    assert synced == ['base', 'a', 'a']


@pytest.mark.parametrize('place', ['file/base', 'file', 'locked/base', 'locked'])
def test_a_base_path_that_can_not_be_written_is_a_mistake_in_the_section(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'file').write_text('')
    (tmp_path / 'locked').mkdir()
    # Permission bits do not hold for root, who may run the tests.
    monkeypatch.setattr(os, 'access', lambda path, mode: os.path.basename(path) != 'locked')
    sink = FileSink('files', FileOptions().load({'base_path': str(tmp_path / place)}))
    with pytest.raises(dk.ConfigError, match=f'base_path = .*{place}: .*{place.split("/")[0]}'):
        sink.connect()
    sink.close()
    assert sorted(os.listdir(tmp_path)) == ['file', 'locked']


def test_base_path_is_made_with_the_first_file(tmp_path: Path) -> None:
    base = tmp_path / 'not' / 'there'
    sink = FileSink('files', FileOptions().load({'base_path': str(base), 'fsync': 'true'}))
    sink.connect()
    assert not base.parent.exists()
    sink.deliver([line('a', 1)])
    assert numbers(base / 'a') == [1]
    sink.close()


def test_a_path_object_will_do(make: Make, tmp_path: Path) -> None:
    make().deliver([FilePayload(Path('a') / 'b', {'n': 1})])
    assert numbers(tmp_path / 'base' / 'a' / 'b') == [1]


def test_a_payload_describes_itself_for_the_dead_letter_queue() -> None:
    assert line('a', 1).describe() == {
        'sink_type': 'filesystem',
        'sink': '',
        'path': 'a',
        'data': {'n': 1},
    }


def test_of_two_that_share_a_full_file_only_one_sets_it_aside(tmp_path: Path) -> None:
    one, two = (Appender(str(tmp_path / 'a'), fsync=False) for _ in range(2))
    one.append(b'1\n')
    two.append(b'2\n')
    one.rotate(limit=4, keep=0)
    one.append(b'3\n')
    two.rotate(limit=4, keep=0)
    two.append(b'4\n')
    one.close()
    two.close()
    assert (tmp_path / 'a.1').read_bytes() == b'1\n2\n'
    assert (tmp_path / 'a').read_bytes() == b'3\n4\n'
