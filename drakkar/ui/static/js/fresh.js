// Renews the parts of a page marked data-fresh="NAME" with those the server renders now.

import {$$, setAttribute} from './dom.js';
import {resort} from './tables.js';
import {refreshTimes} from './time.js';

const EVERY_MS = 3000;

async function renew() {
  const response = await fetch(location.href, {headers: {Accept: 'text/html'}});
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const parts = new Map($$('[data-fresh]', page).map((part) => [part.dataset.fresh, part]));
  for (const part of $$('[data-fresh]')) {
    const now = parts.get(part.dataset.fresh);
    if (!now || part.contains(document.activeElement) || selected(part)) continue;
    part.replaceChildren(...now.childNodes);
    setAttribute(part, 'data-state', now.dataset.state);
    const table = part.closest('table[data-sortable]');
    if (table) resort(table);
  }
  refreshTimes();
}

// Somebody copies from it: let them.
function selected(part) {
  const selection = getSelection();
  return !selection.isCollapsed && selection.containsNode(part, true);
}

async function run() {
  if (!document.hidden) await renew().catch(() => null); // the banner tells when the worker is gone
  setTimeout(run, EVERY_MS);
}

setTimeout(run, EVERY_MS);
