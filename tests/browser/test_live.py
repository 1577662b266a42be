"""The live page: what runs shows at once, on the timeline and in the tables."""

from __future__ import annotations

from typing import Any

import pytest
from selenium.webdriver import Keys

from tests.browser.browser import Browser
from tests.browser.town import HOSTILE, Town
from tests.services.server import wait_for

MODULE = 'import("/static/js/live/page.js")'
# Where the bar of the task that waits is on the canvas, in pixels, and of which colour.
BAR = """import("/static/js/live/page.js").then(({store, timeline, time}) => {
  const bar = [...store.bars.values()].find((b) => b.labels.pattern === 'wait' && b.end === null);
  const end = Math.min(time.now(), timeline.scale.end);
  const middle = (Math.max(bar.start, timeline.scale.start) + end) / 2;
  const gutter = timeline.canvas.clientWidth - timeline.scale.width;
  const [x, y] = [gutter + timeline.scale.x(middle), (bar.slot + 0.5) * timeline.laneHeight];
  const near = Math.round(y - timeline.laneHeight * 0.3);
  const pixel = timeline.canvas.getContext('2d').getImageData(Math.round(x), near, 1, 1).data;
  return {x, y, task: bar.task_id, pixel: [...pixel]};
})"""


@pytest.fixture
def live(page: Browser) -> Browser:
    page.open('/live')
    page.until('document.querySelectorAll("#live-finished td").length > 0', 'finished tasks')
    page.until(f'{MODULE}.then(({{timeline}}) => timeline.stats.bars > 0)', 'bars are drawn')
    return page


def running_bar(page: Browser) -> dict[str, Any]:
    found: dict[str, Any] = page.js(BAR)
    return found


def span(page: Browser) -> float:
    """Return the seconds of time that the timeline shows."""
    return float(page.js(f'{MODULE}.then(({{timeline}}) => timeline.scale.span)'))


def test_pool_and_tables_say_what_runs(live: Browser, north: Town) -> None:
    live.wait_text('#live-slots', '3')
    live.wait_text('#live-active', '1')
    assert live.js('document.querySelector("#live-pool-bar").value') == 1
    live.until('/^[0-9]{1,2} s$/.test(document.querySelector("#live-utilisation-span").innerText)')
    live.wait_text('#live-running-count', '1')
    (row,) = live.texts('#live-running tbody tr')
    waiting = north.first.event('event=task_started&labels=wait-')
    assert waiting['task_id'] in row
    assert str(waiting['pid']) in row
    assert f'wait-{waiting["partition"]}' in row, 'labels'
    assert len(live.texts('#live-finished tbody tr')) == 100
    live.type('#live-find', 'replace-')
    live.wait_text('#live-finished', 'failed: replace')
    assert len(live.texts('#live-finished tbody tr')) == 2
    assert 'q=replace-' in live.path(), 'it can be linked to'


def test_tasks_come_and_go_without_a_reload(live: Browser, north: Town) -> None:
    idle = north.first.partitions()[1]
    live.js('window.stays = true')
    north.first.give(idle, {'do': 'wait', 'name': 'come-and-go'})
    live.wait_text('#live-running', 'come-and-go')
    live.wait_text('#live-active', '2')
    assert 'come-and-go' not in live.text('#live-finished')
    (north.folder / 'go.come-and-go').touch()
    live.wait_text('#live-finished tbody tr:first-child', 'come-and-go')
    live.until('!document.querySelector("#live-running").innerText.includes("come-and-go")')
    live.wait_text('#live-active', '1')
    for tab in ('arrange', 'collect'):
        live.click(f'#tab-{tab}')
        live.wait_text(f'#live-{tab} tbody', 'come-and-go')
    assert live.js('window.stays')


def test_arrange_and_collect_tell_of_calls(live: Browser, north: Town) -> None:
    live.click('#tab-arrange')
    assert live.wait_path('/live') == '/live?tab=arrange'
    assert not live.shown('#live-executors')
    number = north.first.partitions()[0]
    row = next(row for row in live.texts('#live-arranged tbody tr') if f'{number}:0' in row)
    cells = row.replace('\n', '\t').split('\t')
    assert {str(number), '69', '73'} <= set(cells), cells  # partition, messages, tasks
    live.click('#tab-collect')
    rows = live.texts('#live-collected tbody tr')
    assert any('1 filesystem.out' in row and 'on_task_complete' in row for row in rows)
    assert any('1 filesystem.audit' in row and 'on_message_complete' in row for row in rows)


def test_what_runs_is_a_yellow_bar(live: Browser) -> None:
    red, green, blue, _ = running_bar(live)['pixel']
    assert min(red, green) > 120 > blue, (red, green, blue)


def test_pointing_at_a_bar_tells_of_its_task(live: Browser) -> None:
    bar = running_bar(live)
    live.point('#live-canvas', bar['x'], bar['y'])
    live.wait_text('#live-tip', 'wait-')
    tip = live.text('#live-tip')
    for word in ('running', 'duration', 'slot', 'pid', 'request_id', 'pattern'):
        assert word in tip, tip
    live.point('#live-canvas', bar['x'], -30)
    live.until('document.querySelector("#live-tip").hidden')


def test_click_on_a_bar_opens_its_task(live: Browser) -> None:
    bar = running_bar(live)
    live.click_at('#live-canvas', bar['x'], bar['y'])
    live.wait_path(f'/task/{bar["task"]}')
    live.one('#task-status[data-state=running]')


def test_zoom_by_buttons_wheel_and_keys(live: Browser) -> None:
    assert span(live) == 60
    live.click('#live-zoom-in')
    assert span(live) == 40
    live.wait_text('#live-span', '40 s')
    live.click('#live-zoom-out')
    live.click('#live-zoom-out')
    assert round(span(live)) == 90
    live.wheel('#live-canvas', 300, 20, -5)
    wait_for(lambda: span(live) < 89, 'the wheel zooms in')
    live.js('document.querySelector("#live-canvas").focus()')
    before = span(live)
    live.press('+')
    assert span(live) < before
    live.press('-', '-')
    assert span(live) > before


def test_the_past_stays_in_sight_until_one_follows_again(live: Browser) -> None:
    live.js('document.querySelector("#live-canvas").focus()')
    live.press(Keys.ARROW_LEFT)
    live.until('!document.querySelector("#live-paused").hidden')
    assert live.js('document.querySelector("#live-follow").ariaPressed') == 'false'
    live.wait_text('#live-paused-text', 'Paused')
    live.click('#live-resume')
    live.until('document.querySelector("#live-paused").hidden')
    live.press(Keys.ESCAPE)
    live.click('#live-follow')
    live.until('!document.querySelector("#live-paused").hidden')


def test_task_in_a_table_is_a_link(live: Browser) -> None:
    task = live.text('#live-running tbody a')
    assert live.leave_by('#live-running tbody a') == f'/task/{task}'


def test_hostile_labels_are_text(live: Browser) -> None:
    live.type('#live-find', 'window.owned')
    live.wait_text('#live-finished', '<script>window.owned=1</script>')
    assert not live.js('window.owned')
    assert not live.all('#live-finished script, #live-finished img')
    shown = live.text('#live-finished')
    assert not any(c in shown for c in HOSTILE if ord(c) < 32 or c in '\u202e\u202c')
