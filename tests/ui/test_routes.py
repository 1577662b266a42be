"""Every route: described, answering in its shape, safe, and with one form of error."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drakkar.ui.app import all_routes
from drakkar.ui.routes import Route
from drakkar.ui.wire import SAFE_HEADERS
from tests.ui.shapes import mismatches
from tests.ui.site import Site

ROUTES = all_routes()
PAGES = [r for r in ROUTES if r.method == 'GET' and r.returns is None]
API = [r for r in ROUTES if r.method == 'GET' and r.returns is not None]


def address(route: Route) -> str:
    """Return the path with something in each placeholder."""
    return re.sub(r'{(\w+)}', lambda m: '0' if ('int' in route.path) else 'x', route.template)


def name(route: Route) -> str:
    return f'{route.method} {route.path}'


@pytest.mark.parametrize('number', ['9' * 30, str(2**63), str(2**31)])
def test_a_partition_that_can_not_be_is_no_page(site: Site, number: str) -> None:
    answer = site.ask(f'/partitions/{number}')
    assert (answer.status, answer.json['status']) == (404, 'not_found')


@pytest.mark.parametrize('route', PAGES, ids=name)
def test_a_page_is_html_without_inline_script_or_style(site: Site, route: Route) -> None:
    answer = site.ask(address(route), Accept='text/html')
    assert answer.status in (200, 400, 404), answer.text
    assert answer.headers['Content-Type'] == 'text/html; charset=utf-8'
    assert not re.search(r'<[^>]+ (style|on\w+)=', answer.text)
    assert '<style' not in answer.text
    assert not re.search(r'<script(?! type="module" src="/static/)', answer.text)
    assert not re.search(r'(src|href)="(https?:)?//', answer.text), 'a link out of the worker'


@pytest.mark.parametrize('route', API, ids=name)
def test_the_api_answers_in_its_shape(site: Site, route: Route) -> None:
    answer = site.ask(address(route))
    assert answer.headers['Content-Type'] == 'application/json'
    if answer.status in (200, 503):
        assert mismatches(answer.json, route.returns) == []
    else:
        assert set(answer.json) == {'status', 'error', 'hint'}


@pytest.mark.parametrize('route', ROUTES, ids=name)
def test_every_answer_has_safe_headers(site: Site, route: Route) -> None:
    answer = site.ask(address(route), route.method, Content_Type='application/json')
    for header, value in SAFE_HEADERS:
        assert answer.headers[header] == value
    assert answer.headers['Cache-Control'] == 'no-store'


def test_the_document_describes_every_route_and_nothing_else(site: Site) -> None:
    document = site.ask('/api/openapi.json').json
    described = {
        (method.upper(), path) for path, methods in document['paths'].items() for method in methods
    }
    assert described == {(r.method, r.template) for r in ROUTES}
    for route in ROUTES:
        operation = document['paths'][route.template][route.method.lower()]
        assert operation['summary'] == route.summary
        named = {p['name'] for p in operation['parameters']}
        assert named == {p.name for p in route.query} | {n for n, _ in route.placeholders}


def test_every_route_of_the_api_says_what_it_returns() -> None:
    assert [r.path for r in ROUTES if r.path.startswith('/api/') and r.returns is None] == []
    assert len({(r.method, r.path) for r in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize(
    ('path', 'method', 'status', 'code'),
    [
        ('/api/nothing', 'GET', 404, 'not_found'),
        ('/nothing', 'GET', 404, 'not_found'),
        ('/static/js/nothing.js', 'GET', 404, 'not_found'),
        ('/static/../templates/base.html', 'GET', 404, 'not_found'),
        ('/static/%2e%2e/templates/base.html', 'GET', 404, 'not_found'),
        ('/static//etc/passwd', 'GET', 404, 'not_found'),
        ('/api/dashboard', 'POST', 405, 'method_not_allowed'),
        ('/api/dashboard', 'DELETE', 405, 'method_not_allowed'),
        ('/api/dashboard', 'TRACE', 405, 'method_not_allowed'),
        ('/partitions/0?before=x', 'GET', 400, 'bad_request'),
        ('/api/partitions/99', 'GET', 404, 'not_found'),
        ('/?' + '&'.join('a=1' for _ in range(200)), 'GET', 400, 'bad_request'),
    ],
)
def test_errors_have_one_shape(site: Site, path: str, method: str, status: int, code: str) -> None:
    answer = site.ask(path, method, Content_Type='application/json')
    assert answer.status == status
    assert answer.headers['Content-Type'] == 'application/json'
    assert set(answer.json) == {'status', 'error', 'hint'}
    assert answer.json['status'] == code


def test_a_browser_sees_an_error_as_a_page(site: Site) -> None:
    answer = site.ask('/nothing', Accept='text/html,*/*')
    assert answer.status == 404
    assert '<h1>Not Found</h1>' in answer.text


def test_head_has_the_headers_only(site: Site) -> None:
    answer = site.ask('/', 'HEAD')
    assert (answer.status, answer.body) == (200, b'')
    assert int(answer.headers['Content-Length']) > 1000


def test_options_says_what_may_be_used(site: Site) -> None:
    answer = site.ask('/api/dashboard', 'OPTIONS')
    assert (answer.status, answer.body) == (204, b'')
    assert answer.headers['Allow'] == 'GET, HEAD, POST, OPTIONS'


def test_static_files_are_asked_for_again_only_where_they_changed(site: Site) -> None:
    first = site.ask('/static/js/main.js')
    assert first.headers['Content-Type'] == 'text/javascript; charset=utf-8'
    again = site.ask('/static/js/main.js', If_None_Match=first.headers['ETag'])
    assert (again.status, again.body) == (304, b'')


def test_what_is_served_needs_no_other_host() -> None:
    root = Path('drakkar/ui')
    for file in [*root.glob('static/**/*.*'), *root.glob('templates/**/*.html')]:
        text = file.read_text().replace('http://www.w3.org/2000/svg', '')
        assert not re.search(r'https?://[a-z0-9]', text), file


def test_every_module_that_is_imported_exists() -> None:
    static = Path('drakkar/ui/static')
    for file in static.glob('js/**/*.js'):
        for imported in re.findall(r"from '(\.[^']+)'", file.read_text()):
            assert (file.parent / imported).resolve().is_file(), f'{file}: {imported}'
    for file in Path('drakkar/ui/templates').glob('**/*.html'):
        for linked in re.findall(r'"/static/([^"{]+)"', file.read_text()):
            assert (static / linked).is_file(), f'{file}: {linked}'
