// Makes every <table data-sortable> sortable by its headers, by mouse and keyboard.
// A cell's value is its `data-sort`, else its text; numbers sort as numbers. The order is
// kept when rows change, and in the query of the page.

import {$, $$} from './dom.js';

const collator = new Intl.Collator('en', {numeric: true, sensitivity: 'base'});

function value(row, index) {
  const cell = row.cells[index];
  if (!cell) return '';
  const time = $('time', cell);
  return cell.dataset.sort ?? (time?.dateTime || cell.textContent.trim());
}

function compare(a, b) {
  if (a === '–' || b === '–') return a === b ? 0 : a === '–' ? 1 : -1; // unknown values last
  const x = Number(a.replaceAll(',', '')), y = Number(b.replaceAll(',', ''));
  return Number.isNaN(x) || Number.isNaN(y) || a === '' || b === '' ? collator.compare(a, b) : x - y;
}

// Sort again by the column that was chosen, after rows were added or changed.
export function resort(table) {
  const heads = [...table.tHead.rows[0].cells];
  const index = heads.findIndex((th) => ['ascending', 'descending'].includes(th.getAttribute('aria-sort')));
  if (index < 0) return;
  const sign = heads[index].getAttribute('aria-sort') === 'ascending' ? 1 : -1;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const sorted = rows
    .map((row) => [value(row, index), row])
    .sort(([a], [b]) => (a === '–' || b === '–' ? compare(a, b) : sign * compare(a, b)))
    .map(([, row]) => row);
  if (sorted.some((row, i) => row !== rows[i])) body.append(...sorted);
}

function choose(table, th, order) {
  for (const other of table.tHead.rows[0].cells) {
    if (other.hasAttribute('aria-sort')) other.setAttribute('aria-sort', 'none');
  }
  th.setAttribute('aria-sort', order);
  resort(table);
}

function remember(table, index, order) {
  const url = new URL(location.href);
  url.searchParams.set(`sort-${table.id}`, `${index}-${order === 'ascending' ? 'up' : 'down'}`);
  history.replaceState(null, '', url);
}

export function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((th, index) => {
    if (th.hasAttribute('data-unsortable') || !th.textContent.trim()) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...th.childNodes);
    th.append(button);
    th.setAttribute('aria-sort', 'none');
    button.addEventListener('click', () => {
      const first = th.classList.contains('num') ? 'descending' : 'ascending';
      const second = first === 'ascending' ? 'descending' : 'ascending';
      const order = th.getAttribute('aria-sort') === first ? second : first;
      choose(table, th, order);
      if (table.id) remember(table, index, order);
    });
  });
  const wanted = /^(\d+)-(up|down)$/.exec(new URLSearchParams(location.search).get(`sort-${table.id}`) ?? '');
  const th = wanted && table.tHead.rows[0].cells[Number(wanted[1])];
  if (th?.hasAttribute('aria-sort')) choose(table, th, wanted[2] === 'up' ? 'ascending' : 'descending');
}

export function start() {
  $$('table[data-sortable]').forEach(makeSortable);
}
