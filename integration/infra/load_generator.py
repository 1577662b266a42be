"""Sends a request to the webapp again and again, and prints each and its status.

    python -m integration.infra.load_generator

Environment: WEBAPP_URL (http://localhost:8091/process), TOKEN (none: the anonymous client),
INTERVAL_SECONDS (10).
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
import urllib.error
import urllib.request

from integration.infra import settings

_TIMEOUT_SECONDS = 60


def ask(url: str, token: str, body: dict[str, object]) -> str:
    """Send one request; return its status and what is worth to know of the answer."""
    headers = {'Content-Type': 'application/json'}
    if token:
        headers['Authorization'] = f'Bearer {token}'
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    begin = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
            return f'{answer.status} in {time.monotonic() - begin:.2f} s'
    except urllib.error.HTTPError as error:
        wait = error.headers.get('Retry-After')
        return f'{error.code}{f", retry after {wait} s" if wait else ""}'
    except OSError as error:
        return f'no answer: {error}'


def main() -> int:
    settings.only_help(__doc__)
    url = os.environ.get('WEBAPP_URL') or 'http://localhost:8091/process'
    token = os.environ.get('TOKEN', '')
    try:
        interval = settings.number('INTERVAL_SECONDS', 10)
    except ValueError as error:
        print(f'load_generator: {error}', file=sys.stderr)
        return 2
    name = 'tenant' if token else 'load'
    number = 0
    while True:
        number += 1
        body = {'request_id': f'{name}-{number}', 'score': random.randrange(100)}
        print(f'{json.dumps(body)} -> {ask(url, token, body)}', flush=True)
        time.sleep(interval)


if __name__ == '__main__':
    sys.exit(main())
