"""Dashboard, partitions and sinks: what the worker does at one look, kept fresh."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from tests.browser.browser import Browser
from tests.browser.town import Town
from tests.services.server import wait_for


def test_tiles_tell_queue_and_lag_of_each_partition(page: Browser, north: Town) -> None:
    page.open('/')
    page.until('document.body.dataset.connection === "live"')
    waits, idle = north.first.partitions()
    said = {p['partition']: p for p in north.first.api('partitions')['partitions']}
    tiles = page.texts('#partition-tiles .tile')
    assert len(tiles) == 2
    words = tiles[0].split()
    assert words[:2] == [str(waits), 'busy']
    assert words[words.index('queue') + 1] == '0'
    assert words[words.index('lag') + 1] == str(said[waits]['lag']) != '0'
    assert tiles[1].split()[:2] == [str(idle), 'idle']


def test_tile_leads_to_its_partition_and_on_to_its_messages(page: Browser, north: Town) -> None:
    number = north.first.partitions()[0]
    page.open('/')
    assert page.leave_by('#partition-tiles .tile').startswith(f'/partitions/{number}')
    page.wait_text('#partition-facts', 'High watermark')
    places = page.texts('#partition-events tbody td:nth-child(3)')
    assert places
    assert all(place.startswith(f'{number}:') for place in places if place), places
    page.leave_by('#partition-events td:nth-child(3) a')
    assert page.wait_path('/debug?tab=trace')


def test_pool_bar_shows_what_runs(page: Browser) -> None:
    page.open('/')
    assert page.js('[...document.querySelectorAll("#pool-bar")].map(b => [b.value, b.max])') == [
        [1, 3]
    ]
    assert page.texts('#worker-state') == ['running']


def test_cards_count_and_lead_to_prometheus(page: Browser, north: Town) -> None:
    page.open('/')
    said = north.first.api('dashboard')['stats']
    for name in ('consumed', 'completed', 'failed', 'retried', 'dlq', 'parse_failures'):
        assert page.texts(f'#card-{name} .stat-value') == [f'{said[name]:,}']
    links = [link for _, link in page.links('#counters .stat')]
    assert len(links) > 10
    for link in map(urlsplit, links):
        assert link.netloc == 'prometheus.example:9099'
        (query,) = parse_qs(link.query)['g0.expr']
        assert 'drakkar_' in query
        assert 'worker_id="ragnar"' in query


def test_numbers_change_without_a_reload(page: Browser, north: Town) -> None:
    page.open('/')
    page.js('window.stays = true')
    before = int(page.text('#card-completed .stat-value').replace(',', ''))
    idle = north.first.partitions()[1]
    north.first.give(idle, {'do': 'ok', 'name': 'one-more'})
    page.wait_text('#card-completed .stat-value', f'{before + 1:,}')
    assert page.js('window.stays')
    wait_for(north.first.is_settled, 'it is committed')


def test_custom_links_are_filled_in(page: Browser, north: Town) -> None:
    page.open('/')
    port = north.first.wait_for_line('running')['metrics_port']
    assert page.links('#custom-links a') == [
        ['Logs', 'http://logs.example/?worker=ragnar'],
        ['Graphs', f'http://graphs.example/?port={port}&ui={north.first.port}'],
    ]


def test_partitions_agree_with_the_api_and_are_sorted(page: Browser, north: Town) -> None:
    page.open('/partitions?sort-partitions=0-down')
    rows = page.js(
        '[...document.querySelectorAll("#partitions tbody tr")]'
        '.map((row) => [...row.cells].map((cell) => cell.innerText.trim()))'
    )
    columns = ('queued', 'pending', 'lag', 'committed', 'high_watermark', 'consumed', 'completed')
    said = [
        [str(p['partition']), p['state'], *(str(p[name]) for name in columns)]
        for p in north.first.api('partitions')['partitions']
    ]
    assert [row[:9] for row in rows] == said[::-1]


def sinks_row(page: Browser, name: str) -> dict[str, str]:
    """Return the cells of a sink by the titles of their columns."""
    titles = [title.strip(' ↕↑↓') for title in page.texts('#sinks thead th')]
    cells = page.js(
        '[...document.querySelector(arguments[0]).cells].map((cell) => cell.innerText.trim())',
        f'#sinks tr[data-key="filesystem.{name}"]',
    )
    return dict(zip(titles, cells, strict=True))


def test_sinks_tell_of_deliveries_and_errors(page: Browser, north: Town) -> None:
    page.open('/sinks')
    for told in north.first.api('sinks')['sinks']:
        row = sinks_row(page, told['name'])
        assert row['Type'] == 'Filesystem'
        assert row['Breaker'] == 'closed'
        assert row['Delivered'] == f'{told["delivered"]:,}'
        assert row['Errors'] == ('1' if told['name'] == 'out' else '0')
        assert row['Retries'] == '0'
        assert row['Last delivery'].endswith(('ago', 'now'))
        assert row['Took'].endswith('s')
    page.wait_text('#sinks', 'Is a directory')
    assert page.links('#sinks a') == [['open ↗', 'http://files.example:8000/out']]


def test_worker_menu_leads_to_the_other_worker(page: Browser, north: Town) -> None:
    page.open('/sinks')
    page.click('#worker-switcher summary')
    assert page.texts('#worker-switcher h2') == ['north & <b>south</b>']
    assert page.texts('#worker-switcher li') == ['floki', 'ragnar']
    page.leave_by('#worker-switcher li a')
    assert page.driver.current_url.startswith(north.second.url)
    page.wait_text('#worker-switcher summary', 'floki')
