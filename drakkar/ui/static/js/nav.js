// The worker menu: closes on Escape and on a click elsewhere, and keeps the page when switching.

import {$, $$} from './dom.js';

export function start() {
  const menu = $('#worker-switcher');
  if (!menu) return;
  document.addEventListener('click', (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && menu.open) {
      menu.open = false;
      $('summary', menu).focus();
    }
  });
  // The same page of another worker; what belongs to this one alone (a task, a partition) not.
  const page = `/${location.pathname.split('/')[1]}`;
  const shared = ['/partitions', '/sinks', '/live', '/history', '/debug'].includes(page);
  for (const link of $$('a[href^="http"]', menu)) {
    if (shared) link.href = link.href.replace(/\/$/, '') + page;
  }
  // In a narrow window the current page, or its tab, may be out of sight.
  for (const current of $$('.top nav [aria-current], nav.tabs [aria-current]')) {
    current.scrollIntoView({block: 'nearest', inline: 'nearest'});
  }
}
