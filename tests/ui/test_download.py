from pathlib import Path

import pytest

from drakkar.ui.download import download
from drakkar.ui.errors import HttpError
from drakkar.ui.routes import File


def test_a_file_comes_as_it_was_when_it_was_opened(tmp_path: Path) -> None:
    path = tmp_path / 'a.db'
    path.write_bytes(b'x' * 600_000)
    headers, body = download(File(path, 'a "b"\r\nX: é.db'))
    assert dict(headers)['Content-Length'] == '600000'
    name = dict(headers)['Content-Disposition']
    assert name == 'attachment; filename="a__b___X___.db"'
    with path.open('ab') as growing:
        growing.write(b'y')
    chunks = list(body)
    body.close()
    assert b''.join(chunks) == b'x' * 600_000
    assert len(chunks) == 3


def test_a_temporary_file_is_gone_at_once(tmp_path: Path) -> None:
    path = tmp_path / 'a.db'
    path.write_bytes(b'abc')
    _, body = download(File(path, 'a.db', temporary=True))
    assert not path.exists()
    assert b''.join(body) == b'abc'
    body.close()


def test_a_temporary_file_is_gone_where_it_can_not_be_opened(tmp_path: Path) -> None:
    (tmp_path / 'secret').write_text('x')
    path = tmp_path / 'a.db'
    path.symlink_to('secret')
    with pytest.raises(HttpError):
        download(File(path, 'a.db', temporary=True))
    assert not path.is_symlink()
    assert (tmp_path / 'secret').exists()


def test_what_became_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / 'secret').write_text('x')
    (tmp_path / 'a.db').symlink_to('secret')
    for name in ('a.db', 'missing.db'):
        with pytest.raises(HttpError) as caught:
            download(File(tmp_path / name, name))
        assert caught.value.status == 404
