// Filters the table of metrics while one types; the address keeps the words.

import {$, $$} from './dom.js';

const input = $('#metrics-q');
const rows = $$('#metrics > tbody > tr').map((row) => [row, row.dataset.text.toLowerCase()]);

function filter() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const [row, text] of rows) {
    row.hidden = !words.every((word) => text.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  $('#metrics-count').textContent = `${shown} shown`;
  $('#metrics-box').hidden = !shown;
  $('#metrics-empty').hidden = shown > 0;
}

function remember() {
  const url = new URL(location.href);
  if (input.value) url.searchParams.set('q', input.value);
  else url.searchParams.delete('q');
  history.replaceState(null, '', url);
  for (const chip of $$('.chip')) {
    const target = new URL(url);
    if (chip.dataset.source) target.searchParams.set('source', chip.dataset.source);
    else target.searchParams.delete('source');
    chip.href = target.search;
  }
}

input.addEventListener('input', () => {
  filter();
  remember();
});
$('#metrics-form').addEventListener('submit', (event) => event.preventDefault());
