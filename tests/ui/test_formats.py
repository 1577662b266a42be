"""Values look the same, whether the server wrote them or the browser did."""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest

from drakkar.ui import formats

SCRIPT = (Path(formats.__file__).parent / 'static/js/format.js').resolve()
CASES = {
    'integer': [None, 0, 7, 1234, 12345678],
    'duration': [None, 0, 0.000012, 0.0123, 0.9994, 1, 59.99, 60, 3599, 3600, 172799, 172800],
    'bytes': [None, 0, 1023, 1024, 1536, 1048576, 5 * 2**30, 3 * 2**40],
    'percent': [None, 0, 0.254, 1],
    'plain': ['', 'a\x1b[31mb\x1b[0m', '\x1b]8;;x\x07y', 'tab\tend\n', '\x00\x7f'],
}


@pytest.mark.skipif(not shutil.which('node'), reason='node is not installed')
def test_the_browser_formats_as_the_server_does() -> None:
    # From a file, node before 22 would take it for no module.
    module = f'data:text/javascript;base64,{b64encode(SCRIPT.read_bytes()).decode()}'
    program = (
        f'import {{format}} from {json.dumps(module)};'
        f'const cases = {json.dumps(CASES)};'
        'const shown = {};'
        'for (const [name, values] of Object.entries(cases))'
        '  shown[name] = values.map((value) => format(name, value));'
        'console.log(JSON.stringify(shown));'
    )
    done = subprocess.run(
        ['node', '--input-type=module', '-e', program],
        check=True,
        capture_output=True,
        text=True,
        timeout=20,
    )
    shown = {name: [formats.FILTERS[name](v) for v in values] for name, values in CASES.items()}
    assert json.loads(done.stdout) == shown


@pytest.mark.parametrize(
    ('seconds', 'text'),
    [(None, ''), (0, '1970-01-01T00:00:00.000Z'), (1.5, '1970-01-01T00:00:01.500Z'), (1e300, '')],
)
def test_exact_times(seconds: float | None, text: str) -> None:
    assert formats.iso(seconds) == text
