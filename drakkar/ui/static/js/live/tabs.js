// Tabs that are links: they work with keys, and are found again in the address.

import {$$} from '../dom.js';

// Keeps a value in the query of the address; an empty one is left out.
export function remember(name, value) {
  const query = new URLSearchParams(location.search);
  if (value) query.set(name, value);
  else query.delete(name);
  history.replaceState(null, '', `?${query}`);
}

// Makes the tabs of a list switch the panels they control; `changed()` is called after that.
export function startTabs(list, changed) {
  const tabs = $$('[role="tab"]', list);

  const select = (chosen) => {
    for (const tab of tabs) {
      const selected = tab === chosen;
      tab.setAttribute('aria-selected', String(selected));
      tab.tabIndex = selected ? 0 : -1;
      document.getElementById(tab.getAttribute('aria-controls')).hidden = !selected;
    }
    remember('tab', chosen.dataset.tab);
    changed();
  };

  for (const tab of tabs) {
    tab.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      select(tab);
    });
    tab.addEventListener('keydown', (event) => {
      const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
      if (!step) return;
      const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
      next.focus();
      select(next);
    });
  }

  return {current: () => tabs.find((tab) => tab.getAttribute('aria-selected') === 'true').dataset.tab};
}
