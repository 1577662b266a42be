from pathlib import Path

from drakkar.bounded import HEAD_SECONDS, MAX_HEAD_BYTES
from drakkar.ui import request
from drakkar.ui.app import all_routes
from drakkar.ui.reference import table
from drakkar.ui.server import MAX_CONNECTIONS
from drakkar.ui.ws import client, hub, protocol

PAGE = (Path(__file__).parents[2] / 'docs' / 'ui.md').read_text()
WORDS = ' '.join(PAGE.split())


def test_the_page_has_the_routes_as_they_are():
    assert table(all_routes()) in PAGE, 'run make docs'


def test_the_page_has_the_limits_as_they_are():
    for said in (
        f'a body above {request.MAX_BODY_BYTES // 2**20} MiB',
        f'a head above {MAX_HEAD_BYTES // 1024} KiB',
        f'{HEAD_SECONDS:.0f} s for its head',
        f'{request.BODY_SECONDS:.0f} s for its body',
        f'At most {MAX_CONNECTIONS} connections are open at a time, {hub.MAX_CLIENTS} of them',
        f'{client.MAX_FRAMES} wait for each',
        f'nothing else did for {client.PING_SECONDS:.0f} s',
        f'a frame above {protocol.MAX_FRAME_BYTES // 1024} KiB',
    ):
        assert said in WORDS
