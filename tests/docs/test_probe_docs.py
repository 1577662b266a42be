"""The page about the probe names every field, and its examples run."""

from __future__ import annotations

import re

from drakkar.ui.data.probe import REPORT, REQUEST
from tests.docs.test_plugins_docs import DOCS, examples


def test_the_page_has_every_field() -> None:
    text = (DOCS / 'probe.md').read_text(encoding='utf-8')
    request, report = text.split('\nThe report:\n')
    assert re.findall(r'^\| `(\w+)` \|', request, re.MULTILINE) == list(REQUEST['properties'])
    assert re.findall(r'^\| `(\w+)` \|', report, re.MULTILINE) == list(REPORT['properties'])


def test_the_examples_run() -> None:
    examples('probe.md')['test_nothing_is_counted']()
