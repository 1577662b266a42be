"""The pages about plugins and handlers name every hook as it is, and their examples run."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from drakkar import hookspecs
from drakkar.handler import Handler
from drakkar.plugins.contributions import KINDS

DOCS = Path(__file__).parents[2] / 'docs'
# What a handler calls, not what it writes.
SERVICES = {'offload', 'annotate'}
_ROW = re.compile(r'^\| `(\w+)\(([^)]*)\)` \|', re.MULTILINE)
_BLOCK = re.compile(r'^(<!-- not run -->\n)?```python\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def documented(page: str) -> dict[str, list[str]]:
    """Return the hooks of a page's table with the names of their arguments."""
    rows = _ROW.findall((DOCS / page).read_text(encoding='utf-8'))
    return {name: [a.strip() for a in arguments.split(',') if a] for name, arguments in rows}


def arguments(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != 'self']


def test_handler_page_has_every_hook_with_its_arguments() -> None:
    hooks = {
        name: arguments(member)
        for name, member in vars(Handler).items()
        if inspect.isfunction(member) and not name.startswith('_') and name not in SERVICES
    }
    assert documented('handlers.md') == hooks


def test_handler_page_has_every_service_and_schema() -> None:
    text = (DOCS / 'handlers.md').read_text(encoding='utf-8')
    assert [name for name in SERVICES if f'`self.{name}(' not in text] == []


def test_plugin_page_has_every_hook_with_its_arguments() -> None:
    hooks = {
        name: arguments(member)
        for name, member in vars(hookspecs).items()
        if name.startswith('drakkar_')
    }
    assert documented('plugins.md') == hooks
    assert {kind.hook for kind in KINDS} == {n for n in hooks if n.startswith('drakkar_register_')}


def examples(page: str) -> dict[str, Any]:
    """Run the page's Python blocks in order, as one module; return its names."""
    blocks = _BLOCK.findall((DOCS / page).read_text(encoding='utf-8'))
    names: dict[str, Any] = {}
    for skipped, code in blocks:
        if not skipped:
            exec(compile(code, page, 'exec'), names)
    return names


def test_example_sink_of_the_plugin_page_is_accepted(tmp_path: Path) -> None:
    names = examples('plugins.md')
    (spec,) = names['drakkar_register_sinks']()
    sink = spec.load_class()('lines', spec.options().load({'path': str(tmp_path / 'out')}))
    sink.connect()
    sink.deliver([spec.payload_class({'n': 1}), spec.payload_class({'n': 2})])
    sink.close()
    assert (tmp_path / 'out').read_text() == '{"n":1}\n{"n":2}\n'


@pytest.mark.skipif(not Path('/bin/grep').exists(), reason='the example runs /bin/grep')
def test_examples_of_the_handler_page_run(tmp_path: Path) -> None:
    names = examples('handlers.md')
    names['test_search'](tmp_path)
    assert issubclass(names['MeasuredHandler'], Handler)
