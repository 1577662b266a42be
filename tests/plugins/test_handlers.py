"""What `[drakkar] handler` may name, and what it says where it names nothing usable."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drakkar.errors import ConfigError
from drakkar.handler import Handler, HandlerSpec
from drakkar.plugins import resolve_handler

MODULE = """
from drakkar.handler import Handler

class SearchHandler(Handler):
    def arrange(self, messages, pending):
        return []

class Idle(Handler):
    pass

class Other:
    pass

number = 7
"""


class Known(Handler):
    def arrange(self, messages, pending):
        return []


KNOWN = {'ripgrep': HandlerSpec('ripgrep', Known), 'count': HandlerSpec('count', Known)}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Writes a module into a folder of this test; the search path is as before at the end."""
    monkeypatch.setattr(sys, 'path', [entry for entry in sys.path if entry])
    written: list[str] = []

    def writer(name: str, source: str = MODULE, folder: str = '.') -> Path:
        path = tmp_path / folder / f'{name}.py'
        path.parent.mkdir(exist_ok=True)
        path.write_text(source, encoding='utf-8')
        written.append(name)
        return path.parent

    yield writer
    for name in written:
        sys.modules.pop(name, None)


def message(name: str, folder: Path | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        resolve_handler(name, KNOWN, folder)
    assert caught.value.problems == [str(caught.value)]
    return str(caught.value)


def test_registered_name() -> None:
    assert resolve_handler('ripgrep', KNOWN) is Known


def test_unknown_name_suggests_and_lists() -> None:
    assert message('ripgerp') == (
        '[drakkar] handler = ripgerp: no plugin registers a handler of this name, '
        "did you mean 'ripgrep'? known: count, ripgrep; "
        'or give an import path package.module:Class'
    )


def test_module_beside_the_configuration(write: Callable[..., Path]) -> None:
    folder = write('handlers_beside', folder='conf')
    found = resolve_handler('handlers_beside:SearchHandler', {}, folder)
    assert found.__name__ == 'SearchHandler'


def test_module_in_the_current_directory(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write('handlers_here'))
    empty = tmp_path / 'conf'
    empty.mkdir()
    assert resolve_handler('handlers_here:SearchHandler', {}, empty).__name__ == 'SearchHandler'


def test_folder_of_the_configuration_goes_before_the_current_directory(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write('handlers_both', 'from drakkar.handler import Handler', folder='cwd'))
    folder = write('handlers_both', folder='conf')
    resolve_handler('handlers_both:SearchHandler', {}, folder)
    assert sys.path[:2] == [str(folder), str(folder.parent / 'cwd')]


def test_registered_name_leaves_the_search_path_alone(tmp_path: Path) -> None:
    before = list(sys.path)
    resolve_handler('ripgrep', KNOWN, tmp_path)
    assert sys.path == before


@pytest.mark.parametrize('name', ['handlers:', ':Search'])
def test_half_an_import_path(name: str) -> None:
    assert message(name).endswith('an import path reads package.module:Class')


def test_missing_module() -> None:
    assert message('no_such_module:Search') == (
        "[drakkar] handler = no_such_module:Search: module 'no_such_module' can not be imported: "
        "ModuleNotFoundError: No module named 'no_such_module'"
    )


def test_module_that_fails_to_import(write: Callable[..., Path]) -> None:
    folder = write('handlers_bad', 'print(\n')
    text = message('handlers_bad:Search', folder)
    assert "module 'handlers_bad' can not be imported: SyntaxError: " in text
    assert 'handlers_bad.py, line 1' in text


def test_missing_class(write: Callable[..., Path]) -> None:
    folder = write('handlers_typo')
    text = message('handlers_typo:SerchHandler', folder)
    assert f"({folder / 'handlers_typo.py'}) has no 'SerchHandler'" in text
    assert text.endswith("did you mean 'SearchHandler'? its handlers: SearchHandler, Idle")


@pytest.mark.parametrize(
    ('attribute', 'problem'),
    [
        ('Other', 'Other is not a subclass of drakkar.api.Handler'),
        ('number', '7 is not a class'),
        ('Idle', 'Idle does not define arrange(self, messages, pending)'),
    ],
)
def test_what_is_no_handler(write: Callable[..., Path], attribute: str, problem: str) -> None:
    folder = write('handlers_wrong')
    text = message(f'handlers_wrong:{attribute}', folder)
    assert text == f'[drakkar] handler = handlers_wrong:{attribute}: {problem}'
