// The tab Databases: filters the list while typing, and merges the files that are chosen.

import {$, $$, api, h, setText} from './dom.js';
import {integer} from './format.js';

const POLL_MS = 1000;
const filter = $('#databases-q');
const button = $('#merge-button');
const status = $('#merge-status');
const bar = $('#merge-progress');

const rows = () => $$('#databases tbody tr');
const boxes = () => $$('#databases input[name="file"]');
const chosen = () => boxes().filter((box) => box.checked).map((box) => box.value);

function show() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows()) {
    const text = row.dataset.text.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  setText($('#databases-count'), words.length ? `${shown} of ${rows().length} files` : `${rows().length} files`);
  const url = new URL(location.href);
  if (filter.value) url.searchParams.set('q', filter.value);
  else url.searchParams.delete('q');
  history.replaceState(null, '', url);
}

let merging = false;

function count() {
  const names = chosen();
  button.disabled = merging || names.length === 0;
  setText(button, names.length ? `Merge ${names.length} file${names.length === 1 ? '' : 's'}` : 'Merge the chosen');
}

function progress(state) {
  bar.hidden = !state;
  if (!state) return;
  bar.max = state.total || 1;
  bar.value = state.done;
  setText(status, `merging ${state.files} files…`);
}

async function poll() {
  if (!merging) return;
  const state = await api('/api/databases').catch(() => null);
  if (!merging) return;
  if (state) progress(state.merging);
  setTimeout(poll, POLL_MS);
}

async function merge() {
  const names = chosen();
  merging = true;
  count();
  status.classList.remove('error');
  setText(status, 'merging…');
  setTimeout(poll, POLL_MS);
  try {
    const done = await api('/api/databases/merge', {
      method: 'POST', body: JSON.stringify({names}), headers: {'Content-Type': 'application/json'},
    });
    status.replaceChildren(
      h('a', {href: done.url, download: done.name}, done.name),
      ` has ${integer(done.events)} events of ${done.files} files (${done.workers.join(', ')}). `,
      h('a', {href: location.href}, 'Show it in the list'));
  } catch (error) {
    status.classList.add('error');
    setText(status, error.message);
  } finally {
    merging = false;
    progress(null);
    count();
  }
}

// A merge that somebody else started: show how it goes.
async function watch() {
  const state = await api('/api/databases').catch(() => null);
  if (merging) return;
  progress(state?.merging);
  if (state?.merging) setTimeout(watch, POLL_MS);
  else setText(status, '');
}

if (filter) {
  filter.addEventListener('input', show);
  $('#databases-form').addEventListener('submit', (event) => event.preventDefault());
  $('#choose-all').addEventListener('change', (event) => {
    for (const row of rows()) {
      const box = $('input[name="file"]', row);
      if (!row.hidden && !box.disabled) box.checked = event.target.checked;
    }
    count();
  });
  for (const box of boxes()) box.addEventListener('change', count);
  button.addEventListener('click', merge);
  if (filter.value) show();
  if (status.dataset.running) watch();
  count();
}
