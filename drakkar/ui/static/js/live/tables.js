// The tables of the live page: they hold in words what the timeline shows, and the last calls.

import {h, setText} from '../dom.js';
import {duration, integer, plain} from '../format.js';
import {setTime} from '../time.js';
import {kindOf} from './paint.js';

const NO_MATCH = 'No task matches what is asked for above';

// Keeps a <tbody> like a list of items: rows are reused by key, and made anew when `version`
// of their item changes.
export class Rows {
  constructor(table, {key, version, cells}) {
    this.body = table.tBodies[0];
    this.empty = document.getElementById(`${table.id}-empty`);
    this.title = this.empty.firstElementChild.textContent;
    this.box = table.closest('.scroll');
    this.key = key;
    this.version = version;
    this.cells = cells;
    this.known = new Map();
  }

  // `filtered` says that there may be items which nobody asked for.
  show(items, filtered = false) {
    const shown = new Map();
    let place = this.body.firstElementChild;
    for (const item of items) {
      const key = this.key(item);
      const row = this.#row(key, item);
      shown.set(key, row);
      this.known.delete(key);
      if (row.element === place) place = place.nextElementSibling;
      else this.body.insertBefore(row.element, place);
    }
    for (const {element} of this.known.values()) element.remove();
    this.known = shown;
    this.empty.hidden = items.length > 0;
    this.box.hidden = items.length === 0;
    const [title, advice] = this.empty.children;
    setText(title, filtered ? NO_MATCH : this.title);
    advice.hidden = filtered;
  }

  #row(key, item) {
    const known = this.known.get(key);
    const version = this.version(item);
    if (known?.version === version) return known;
    const element = known?.element ?? h('tr');
    element.replaceChildren(...this.cells(item));
    element.dataset.key = key;
    element.dataset.state = item.state ?? '';
    return {element, version};
  }
}

export function taskUrl(id) {
  return `/task/${encodeURIComponent(id)}`;
}

export function traceUrl(message) {
  return `/debug?${new URLSearchParams({tab: 'trace', q: message})}`;
}

const WORDS = {http: 'completed', ended: 'ended, outcome unknown'};

export function badge(bar) {
  const kind = kindOf(bar);
  const word = WORDS[kind] ?? kind;
  return h('span', {class: 'badge task-state', 'data-kind': kind}, bar.state === 'failed' && bar.action ? `failed: ${bar.action}` : word);
}

export function labels(values) {
  const list = Object.entries(values).map(([name, value]) =>
    h('li', {}, h('span', {class: 'dim'}, `${plain(name)} `), plain(value)));
  return list.length ? h('ul', {class: 'labels'}, ...list) : h('span', {class: 'dim'}, '–');
}

function moment(seconds) {
  const element = h('time');
  setTime(element, seconds);
  return element;
}

// The message or request behind something, as a link to its trace.
function origin(item) {
  if (item.http) return h('span', {class: 'badge', 'data-state': 'http'}, plain(item.name));
  return item.message ? h('a', {href: traceUrl(item.message)}, item.message) : '–';
}

const number = (text) => h('td', {class: 'num'}, text);
const taskLink = (id) => h('a', {href: taskUrl(id), class: 'mono'}, id);

function where(bar) {
  return bar.slot < 0 ? h('span', {class: 'dim'}, 'none') : String(bar.slot);
}

export const runningRows = {
  key: (bar) => bar.id,
  version: (bar) => bar.revision,
  cells: (bar) => [
    h('td', {}, taskLink(bar.task_id)),
    h('td', {class: 'num', 'data-since': bar.start}, '–'),
    h('td', {}, labels(bar.labels)),
    h('td', {}, origin(bar)),
    number(where(bar)),
    number(bar.pid === null ? '–' : String(bar.pid)),
    h('td', {class: 'command mono'}, plain(bar.command)),
  ],
};

// How long tasks have been running, told anew with each look.
export function tellAges(table, now) {
  for (const cell of table.querySelectorAll('[data-since]')) {
    setText(cell, duration(Math.max(now - Number(cell.dataset.since), 0)));
  }
}

export const finishedRows = {
  key: (bar) => bar.id,
  version: (bar) => bar.revision,
  cells: (bar) => [
    h('td', {}, badge(bar)),
    h('td', {}, taskLink(bar.task_id)),
    number(duration(bar.end - bar.start)),
    h('td', {}, moment(bar.end)),
    h('td', {}, labels(bar.labels)),
    h('td', {}, origin(bar)),
    number(where(bar)),
    bar.error
      ? h('td', {class: 'message'}, plain(bar.error))
      : h('td', {class: 'command mono'}, plain(bar.command)),
  ],
};

export const arrangedRows = {
  key: (call) => call.revision,
  version: () => 0,
  cells: (call) => [
    h('td', {}, moment(call.time)),
    number(call.partition < 0 ? '–' : String(call.partition)),
    number(integer(call.messages)),
    h('td', {class: 'wide'}, arrangedLabels(call)),
    number(integer(call.tasks)),
    number(duration(call.duration)),
  ],
};

function arrangedLabels(call) {
  if (call.request) {
    const label = h('li', {}, plain(call.labels[0]));
    return h('div', {}, h('span', {class: 'badge', 'data-state': 'http'}, plain(call.request)), h('ul', {class: 'labels'}, label));
  }
  const first = `${call.partition}:${call.first_offset}`;
  const last = `${call.partition}:${call.last_offset}`;
  const more = call.messages - call.labels.length;
  const named = call.labels.map((label) => h('li', {}, plain(label)));
  if (more > 0) named.push(h('li', {class: 'dim'}, `and ${integer(more)} more`));
  const range = [h('a', {href: traceUrl(first)}, first)];
  if (last !== first) range.push(' … ', h('a', {href: traceUrl(last)}, last));
  return h('div', {}, h('span', {class: 'range'}, ...range), h('ul', {class: 'labels'}, ...named));
}

export const collectedRows = {
  key: (call) => call.revision,
  version: () => 0,
  cells: (call) => [
    h('td', {}, moment(call.time)),
    h('td', {}, call.task_id ? taskLink(call.task_id) : messagesOf(call)),
    h('td', {}, outputs(call.outputs)),
    h('td', {}, labels(call.labels)),
    h('td', {}, origin(call)),
    h('td', {class: 'mono'}, call.hook),
    number(call.task_id ? duration(call.duration) : `after ${duration(call.duration)}`),
  ],
};

function messagesOf(call) {
  return call.messages === 1 ? '1 message' : `${integer(call.messages)} messages`;
}

function outputs(counts) {
  const list = Object.entries(counts).map(([sink, count]) =>
    h('li', {}, h('b', {class: 'num'}, integer(count)), ` ${sink}`));
  return list.length ? h('ul', {class: 'labels'}, ...list) : h('span', {class: 'dim'}, 'nothing');
}
