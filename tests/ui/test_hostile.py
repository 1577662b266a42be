"""Values from messages and programs are text wherever they are shown."""

from __future__ import annotations

import pytest

from drakkar.ui import links
from drakkar.ui.formats import plain
from tests.ui.site import running

EVIL = '<script>alert(1)</script><img src=x onerror=alert(1)>"\'&\x1b[31mred\x1b]0;title\x07'


def test_hostile_labels_and_names_are_text_on_every_page() -> None:
    links_of_user = {EVIL: 'http://x.example/{worker_id}', 'bad': 'javascript:alert(1)'}
    with running(custom_links=links_of_user) as site:
        site.harness.send([{'exit': 3, 'name': EVIL}, {'exit': 0, 'name': EVIL}])
        site.harness.wait_for(lambda: len(site.harness.record.done) == 2)
        assert site.harness.worker.parts.recorder is not None
        site.harness.worker.parts.recorder.flush()
        for path in ('/', '/partitions', '/partitions/0', '/sinks', f'/{EVIL[:8]}'):
            page = site.ask(path.replace('<', '%3C').replace('>', '%3E'), Accept='text/html').text
            assert '<script>alert' not in page, path
            assert '<img src=x' not in page, path
            assert '\x1b' not in page, path
            assert 'javascript:' not in page, path
        assert '&lt;script&gt;alert(1)' in site.ask('/partitions/0').text


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('\x1b[1;31mred\x1b[0m', 'red'),
        ('\x1b]8;;http://x\x07link\x1b]8;;\x07', 'link'),
        ('a\tb\nc', 'a\tb\nc'),
        ('bell\x07 back\x08', 'bell back'),
        ('\x1b(B', '(B'),
        (None, ''),
        (12, '12'),
    ],
)
def test_control_sequences_are_taken_out(text: object, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    'url',
    ['javascript:alert(1)', 'data:text/html,x', '//x', 'http://', 'http://u:p@x', 'x', 'http://['],
)
def test_what_is_no_plain_link_is_none(url: str) -> None:
    assert links.safe(url) == ''
    assert links.prometheus(url, 'up') == ''


def test_placeholders_are_filled_and_quoted() -> None:
    values = {'worker_id': 'a/b c', 'metrics_port': 9090}
    filled = links.filled('http://x/{worker_id}?p={metrics_port}&o={other}', values)
    assert filled == 'http://x/a%2Fb%20c?p=9090&o={other}'
