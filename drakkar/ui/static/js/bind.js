// Keeps what the server rendered fresh, by attributes:
//   data-bind="pool.active" data-format="integer"   text of an element
//   data-bind-value, data-bind-max, data-state-bind  attributes of an element
//   data-list="partitions"                           children by data-key, new ones from <template>
//     inside: data-field, data-format, data-href, data-time, data-state-from: fields of the item
//   data-show-empty="partitions"                     shown while the list is empty

import {$, $$, setAttribute, setText} from './dom.js';
import {format} from './format.js';
import {resort} from './tables.js';
import {setTime} from './time.js';

const at = (data, path) => path.split('.').reduce((value, name) => value?.[name], data);

export function bind(data, root = document) {
  for (const e of $$('[data-bind]', root)) setText(e, format(e.dataset.format, at(data, e.dataset.bind)));
  for (const e of $$('[data-state-bind]', root)) e.dataset.state = at(data, e.dataset.stateBind) ?? '';
  for (const e of $$('[data-bind-max]', root)) e.max = at(data, e.dataset.bindMax) || 1;
  for (const e of $$('[data-bind-value]', root)) e.value = at(data, e.dataset.bindValue) ?? 0;
  for (const e of $$('[data-list]', root)) fillList(e, at(data, e.dataset.list) ?? []);
  for (const e of $$('[data-show-empty]', root)) e.hidden = (at(data, e.dataset.showEmpty) ?? []).length > 0;
}

function fillList(list, items) {
  const template = $(':scope > template', list);
  const known = new Map([...list.children].filter((c) => c !== template).map((c) => [c.dataset.key, c]));
  let added = false;
  for (const item of items) {
    let element = known.get(item.key);
    if (!element) {
      if (!template) continue; // a fixed list: its items never change
      element = template.content.firstElementChild.cloneNode(true);
      element.dataset.key = item.key;
      list.append(element);
      added = true;
    }
    known.delete(item.key);
    fill(element, item);
  }
  if (template) known.forEach((element) => element.remove());
  if (added) reorder(list, items);
  const table = list.closest('table[data-sortable]');
  if (table) resort(table);
}

function reorder(list, items) {
  const byKey = new Map([...list.children].map((c) => [c.dataset.key, c]));
  list.append(...items.map((item) => byKey.get(item.key)).filter(Boolean));
}

export function fill(element, item) {
  for (const e of [element, ...$$('[data-field], [data-href], [data-time], [data-state-from]', element)]) {
    const {field, href, time, stateFrom} = e.dataset;
    if (field) setText(e, format(e.dataset.format, item[field]));
    if (href) setAttribute(e, 'href', item[href]);
    if (time) setTime(e, item[time]);
    if (stateFrom) e.dataset.state = item[stateFrom] ?? '';
  }
}
