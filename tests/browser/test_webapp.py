"""What the debug UI shows of HTTP requests: the tile, purple bars, their events and their tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import gevent
import pytest

from tests.browser import checks, webtown
from tests.browser.browser import Browser
from tests.browser.webtown import LIMITS, LONG, OUTPUT_BYTES, WebTown

LIVE = 'document.body.dataset.connection === "live"'
# Which of the colours for requests bars have: the canvas is read once, as of more Chromium warns,
# and in the frame that drew it, as afterwards time goes on.
COLOURS = """import("/static/js/live/page.js").then(async ({store, timeline, time}) => {
  timeline.invalidate();
  await new Promise(requestAnimationFrame);
  const {canvas, scale, laneHeight} = timeline;
  const context = canvas.getContext('2d');
  const {data, width} = context.getImageData(0, 0, canvas.width, canvas.height);
  const paint = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
  const asked = (name) => {
    paint.fillStyle = getComputedStyle(document.body).getPropertyValue(name).trim();
    paint.fillRect(0, 0, 1, 1);
    return paint.getImageData(0, 0, 1, 1).data.join();
  };
  const wanted = {body: asked('--live-http'), edge: asked('--live-http-edge')};
  const gutter = canvas.clientWidth - scale.width;
  const colours = (bar) => {
    const middle = (Math.max(bar.start, scale.start) + (bar.end ?? time.now())) / 2;
    const x = Math.round(gutter + scale.x(middle));
    const seen = new Set();
    for (let y = bar.slot * laneHeight; y < (bar.slot + 1) * laneHeight; y += 1) {
      const at = (y * width + x) * 4;
      seen.add(data.slice(at, at + 4).join());
    }
    return Object.keys(wanted).filter((name) => seen.has(wanted[name]));
  };
  return Object.fromEntries([...store.bars.values()].map((bar) => [bar.name, colours(bar)]));
})"""

# The bar of a name, and how many pixels wide it is.
BAR = """import("/static/js/live/page.js").then(({{store, timeline: {{scale}}, time}}) => {{
  const bar = [...store.bars.values()].find((b) => b.name === '{name}');
  return bar && {{...bar, width: scale.x(bar.end ?? time.now()) - scale.x(bar.start)}};
}})"""


@pytest.fixture(scope='module')
def web(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebTown]:
    with webtown.running(tmp_path_factory.mktemp('web')) as found:
        yield found


@pytest.fixture
def page(tab: Browser, web: WebTown) -> Browser:
    """A tab whose paths are those of the worker with the request that waits."""
    tab.base = web.first.url
    return tab


def task_of(town: WebTown, request_id: str) -> str:
    found = town.first.event(f'event=task_started&request_id={request_id}')
    return f'/task/{found["task_id"]}'


def kinds(page: Browser) -> set[str]:
    return set(page.data('#history-events > li', 'event'))


ADDRESSES: dict[str, tuple[Callable[[WebTown], str], str]] = {
    'dashboard': (lambda town: '/', '#webapp-clients tbody tr'),
    'live': (lambda town: '/live', '#live-finished td'),
    'live-arrange': (lambda town: '/live?tab=arrange', '#live-arranged td'),
    'live-collect': (lambda town: '/live?tab=collect', '#live-collected td'),
    'history': (lambda town: '/history?origin=http', '#history-events [data-event]'),
    'task': (lambda town: task_of(town, 'finished-request'), '#task-request pre'),
    'task-running': (lambda town: task_of(town, 'waiting-request'), '#task-request'),
}


@pytest.mark.parametrize('name', ADDRESSES)
def test_page_with_requests_fits_and_reads(page: Browser, web: WebTown, name: str) -> None:
    address, shown = ADDRESSES[name]
    found = checks.wrong_anywhere(page, f'webapp-{name}', address(web), shown)
    assert not found, '\n'.join(found)
    for client in LIMITS:
        assert webtown.token(client) not in page.driver.page_source


def test_tile_tells_of_requests_as_they_come(page: Browser, web: WebTown) -> None:
    page.open('/')
    page.until(LIVE)
    assert page.text('#webapp h2') == 'WebApp'
    assert page.js('document.querySelector("#webapp-bar").value') == 1, 'one is in flight'
    assert '1 of 64 requests in flight' in ' '.join(page.text('#webapp').split())
    rows = {row.split()[0]: row.split()[1:] for row in page.texts('#webapp-clients tbody tr')}
    assert {name: row[:2] for name, row in rows.items()} == {
        name: [str(rpm), 'rpm'] for name, rpm in LIMITS.items()
    }
    assert rows['counted'] == ['60', 'rpm', '0', '0', '0']
    asked = [web.first.ask(do, f'{do}-1', client='counted') for do in ('ok', 'ok', 'stumble')]
    assert asked == [200, 200, 500]
    counted = '#webapp-clients [data-key=counted]'
    says = f'document.querySelector("{counted}").innerText.split(/\\s+/).join(" ")'
    page.until(f'{says} === "counted 60 rpm 2 1 0"', 'ok and errors of the last 60 s')


def test_live_page_marks_tasks_of_requests(page: Browser) -> None:
    page.open('/live')
    page.wait_text('#live-running', 'tenant-A:waiting-')
    page.wait_text('#live-finished', 'tenant-A:finished')
    assert page.texts('#live-running .badge[data-state=http]') == ['tenant-A:waiting-']
    badges = page.texts('#live-finished .badge[data-state=http]')
    assert {'tenant-A:finished', 'anonymous:of-nobod', 'hasty:in-haste'} <= set(badges)
    assert page.all('#live-finished .badge.task-state[data-kind=http]')
    page.driver.find_element('css selector', '#live-state [value=http]').click()
    page.until('!document.querySelector("#live-finished").innerText.includes("message")')
    assert len(page.texts('#live-finished tbody tr')) == len(badges)
    page.click('#tab-arrange')
    page.wait_text('#live-arrange tbody', 'tenant-A:finished')


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_bars_of_requests_are_purple(page: Browser, web: WebTown, scheme: str) -> None:
    page.look_as(scheme=scheme)
    page.open('/live')
    # A request of its own: the timeline shows a minute, and the town may be older by now.
    request_id = f'{scheme}-request'
    name = f'tenant-A:{request_id[:8]}'
    asked = gevent.spawn(web.first.ask, 'wait', request_id)
    try:
        page.until(f'{BAR.format(name=name)}.then((bar) => bar?.width > 12)', 'a bar with a middle')
    finally:
        (web.folder / f'go.{request_id}').touch()
        assert asked.get(timeout=20) == 200
    page.until(f'{BAR.format(name=name)}.then((bar) => bar.end !== null)', 'it ended')
    colours = page.js(COLOURS)
    assert colours[name] == ['body', 'edge']
    assert colours['tenant-A:waiting-'] == ['edge'], 'it is yellow as what runs, with a purple edge'


def test_history_has_the_events_of_requests(page: Browser, web: WebTown) -> None:
    page.open('/history')
    assert page.texts('#origin-filter .chip') == ['all', 'log', 'http']
    assert page.js(
        '(f => f.right > innerWidth - 40 && f.bottom < 200)'
        '(document.querySelector("#origin-filter").getBoundingClientRect())'
    ), 'it is at the top right'
    page.leave_by('#origin-filter [data-origin=http]')
    ends = ('received', 'completed', 'rate_limited', 'auth_failed')
    assert {f'webapp_request_{end}' for end in ends} <= kinds(page)
    assert not {'consumed', 'committed'} & kinds(page)
    assert 'tenant-A:finished' in page.texts('#history-events .where')
    page.open('/history?event=webapp_request_received&event=task_completed&event=consumed')
    assert kinds(page) == {'webapp_request_received', 'task_completed', 'consumed'}
    page.leave_by('#origin-filter [data-origin=log]')
    assert kinds(page) == {'task_completed', 'consumed'}
    page.leave_by('#origin-filter [data-origin=http]')
    assert kinds(page) == {'webapp_request_received', 'task_completed'}


def test_history_tells_of_requests_that_came_too_late(page: Browser, web: WebTown) -> None:
    web.second.event('event=webapp_request_dropped_after_timeout')
    page.base = web.second.url
    page.open('/history?request_id=too-late')
    assert {'webapp_request_timeout', 'webapp_request_dropped_after_timeout'} <= kinds(page)
    page.click('#event-types summary')
    toggles = page.texts('#event-types .toggle')
    assert len([text for text in toggles if text.startswith('webapp_request_')]) == 6


def test_task_of_a_request_shows_request_and_response(page: Browser, web: WebTown) -> None:
    page.open(task_of(web, 'finished-request'))
    page.wait_text('#task-status', 'completed')
    facts = page.texts('#task-facts dt')
    assert {'Client', 'Request ID'} <= set(facts)
    assert not {'Topic', 'Partition', 'Source offsets'} & set(facts)
    told = dict(zip(facts, page.texts('#task-facts dd'), strict=True))
    assert (told['Client'], told['Request ID']) == ('tenant-A', 'finished-request')
    request, response = page.texts('#task-request pre')
    assert request.startswith('{"do": "ok", "request_id": "finished-request", "note": "long-yyy')
    assert response.startswith('{"request_id":"finished-request","client":"tenant-A"')
    assert 'found finished-request' in response
    assert [len(request), len(response)] == [OUTPUT_BYTES] * 2, LONG
    titles = page.texts('#task-request h3')
    assert all('truncated' in title for title in titles), titles
    assert '200 ok' in titles[1]
    page.leave_by('#task-facts .mono a')
    assert page.path() == '/history?request_id=finished-request'
    assert 'webapp_request_received' in page.data('#history-events > li', 'event')


def test_task_of_a_request_that_runs_has_no_response_yet(page: Browser, web: WebTown) -> None:
    page.open(task_of(web, 'waiting-request'))
    assert page.text('#task-status') == '● running'
    page.wait_text('#task-request', 'waiting-request')
    assert 'Response' not in page.text('#task-request')
    assert not web.waiting.done()
