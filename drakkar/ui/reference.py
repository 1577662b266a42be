"""Writes the table of routes into its page: `python -m drakkar.ui.reference docs/ui.md`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from drakkar.ui.app import all_routes
from drakkar.ui.routes import Route


def table(routes: Iterable[Route]) -> str:
    """Return the routes as a Markdown table, by path."""
    lines = ['| Path | Query | What it is |', '|---|---|---|']
    for route in sorted(routes, key=lambda r: (r.path.startswith('/api'), r.template, r.method)):
        query = ', '.join(f'`{p.name}`' for p in route.query) or '-'
        method = '' if route.method == 'GET' else f'{route.method} '
        lines.append(f'| `{method}{route.template}` | {query} | {route.summary} |')
    return '\n'.join(lines) + '\n'


def main() -> None:
    page = Path(sys.argv[1])
    fresh = table(all_routes())
    text = re.sub(
        r'\| Path \| Query \|.*?\n(?!\|)', lambda _: fresh, page.read_text(), flags=re.DOTALL
    )
    page.write_text(text)


if __name__ == '__main__':
    main()
