// The live page: brings the feed, the timeline and the tables together.

import {$, api, setText} from '../dom.js';
import {duration, integer, percent} from '../format.js';
import {subscribe} from '../socket.js';
import {clock} from './scale.js';
import {Store} from './store.js';
import {remember, startTabs} from './tabs.js';
import {Rows, arrangedRows, collectedRows, finishedRows, runningRows, taskUrl, tellAges} from './tables.js';
import {Timeline} from './timeline.js';
import {Tip} from './tip.js';
import {WorkerTime} from './worktime.js';

const FINISHED_SHOWN = 100;
const PAGE = 1000;
const TABLES_PAUSE = 700; // milliseconds

export const store = new Store();
export const time = new WorkerTime();
const tip = new Tip($('#live-tip'), time);
const tables = {
  running: new Rows($('#live-running'), runningRows),
  finished: new Rows($('#live-finished'), finishedRows),
  arrange: new Rows($('#live-arranged'), arrangedRows),
  collect: new Rows($('#live-collected'), collectedRows),
};
export const timeline = new Timeline($('#live-timeline'), store, time, {
  changed: showView,
  hovered: (bar, x, y) => tip.show(bar, x, y),
  opened: open,
});
const tabs = startTabs($('#live-tabs'), () => {
  showTables();
  timeline.invalidate();
});
let paused = false;
let pausedAt = 0;
let missed = 0;
let filling = false;
let waiting = 0;
let tablesAt = -TABLES_PAUSE;

function open(bar, event) {
  const url = taskUrl(bar.task_id);
  if (event.ctrlKey || event.metaKey) window.open(url, '_blank', 'noopener');
  else location.assign(url);
}

// The feed

subscribe('live', ({kind, data}) => {
  time.tell(data.now);
  if (kind === 'snapshot') store.snapshot(data);
  else if (!store.delta(data)) {
    refetch();
    return;
  }
  if (paused) missed += data.bars.length + data.arranged.length + data.collected.length;
  fillIn();
  showAll();
});

async function refetch() {
  store.snapshot(await api('/api/live'));
  showAll();
}

// Gets the past page by page; what runs now does not wait for it.
async function fillIn() {
  if (filling) return;
  filling = true;
  try {
    while (store.earlier) {
      const before = store.earlier;
      const page = await api(`/api/live/bars?before=${before}&limit=${PAGE}`);
      if (store.earlier === before) store.fill(page);
      timeline.invalidate();
    }
  } catch (error) {
    store.earlier = 0; // the next snapshot tries again
    console.warn('earlier tasks are not shown:', error);
  } finally {
    filling = false;
  }
}

// What is shown

export function showAll() {
  showPool();
  timeline.refresh(store.pool.slots);
  if (paused) showView();
  else soon();
}

// Tables change once in a while: nobody reads faster, and laying them out takes long.
function soon() {
  if (waiting) return;
  const since = performance.now() - tablesAt;
  waiting = setTimeout(showTables, Math.max(TABLES_PAUSE - since, 0));
}

function holdTables() {
  clearTimeout(waiting);
  waiting = 0;
}

function showTables() {
  holdTables();
  tablesAt = performance.now();
  const tab = tabs.current();
  if (tab === 'arrange') tables.arrange.show(store.arranged.slice().reverse());
  if (tab === 'collect') tables.collect.show(store.collected.slice().reverse());
  if (tab === 'executors') {
    const running = [...store.running.values()].sort((a, b) => a.start - b.start);
    const filtered = Boolean($('#live-state').value || asked());
    tables.running.show(running.filter(wanted), filtered && running.length > 0);
    tables.finished.show(lastFinished(), filtered && store.over.length > 0);
    setText($('#live-running-count'), integer(running.length));
    showAges();
  }
}

function lastFinished() {
  const found = [];
  for (let at = store.over.length - 1; at >= 0 && found.length < FINISHED_SHOWN; at -= 1) {
    if (wanted(store.over[at])) found.push(store.over[at]);
  }
  return found;
}

function asked() {
  return $('#live-find').value.trim().toLowerCase();
}

// Whether a task is one that the filters ask for. What runs has not failed, so far.
function wanted(bar) {
  const state = $('#live-state').value;
  if (state === 'failed' && !['failed', 'running'].includes(bar.state)) return false;
  if (state === 'http' && !bar.http) return false;
  const text = asked();
  if (!text) return true;
  return [bar.task_id, bar.name, bar.message, bar.command, ...Object.values(bar.labels)]
    .some((value) => value.toLowerCase().includes(text));
}

function showAges() {
  if (paused || time.stopped) return;
  tellAges($('#live-running'), time.now());
  tip.refresh();
}

function showPool() {
  const {slots, active, waiting} = store.pool;
  setText($('#live-active'), integer(active));
  setText($('#live-slots'), integer(slots));
  setText($('#live-waiting'), integer(waiting));
  const {share, seconds} = store.utilisation();
  setText($('#live-utilisation'), percent(share));
  setText($('#live-utilisation-span'), seconds < 59 ? `${Math.round(seconds)} s` : 'minute');
  const bar = $('#live-pool-bar');
  bar.max = slots || 1;
  bar.value = active;
}

function showView() {
  const {follow, scale} = timeline;
  setPaused(!follow);
  setText($('#live-span'), spanText(scale.span));
  if (follow) return;
  const until = clock(Math.min(scale.end, pausedAt || scale.end), 1);
  setText($('#live-paused-text'), `Paused: this is the time up to ${until}.`);
  setText($('#live-missed'), missed ? `${integer(missed)} changes since` : '');
}

function spanText(seconds) {
  return duration(Number(seconds.toPrecision(3))).replace(/\.0+(?= )/, '').replace(/ 0 (s|min)$/, '');
}

function setPaused(now) {
  if (now === paused) return;
  paused = now;
  pausedAt = now ? time.now() : 0;
  missed = 0;
  $('#live-paused').hidden = !now;
  $('#live-follow').setAttribute('aria-pressed', String(!now));
  if (now) holdTables();
  else showTables();
}

// Tools

$('#live-zoom-in').addEventListener('click', () => timeline.zoom(1 / 1.5));
$('#live-zoom-out').addEventListener('click', () => timeline.zoom(1.5));
$('#live-back').addEventListener('click', () => timeline.pan(-timeline.scale.width / 2));
$('#live-forward').addEventListener('click', () => timeline.pan(timeline.scale.width / 2));
$('#live-follow').addEventListener('click', () => timeline.setFollow(!timeline.follow));
$('#live-resume').addEventListener('click', () => timeline.setFollow(true));
for (const [id, name] of [['#live-state', 'state'], ['#live-find', 'q']]) {
  const field = $(id);
  field.value = new URLSearchParams(location.search).get(name) ?? field.value;
  field.addEventListener('input', () => {
    remember(name, field.value);
    showTables();
  });
}
setInterval(showAges, 500);
showView();
