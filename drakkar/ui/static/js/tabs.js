// tabs('Output', [['stdout', element], ['stderr', element]]) makes a row of tabs with their panels.

import {h} from './dom.js';

let made = 0;

export function tabs(label, parts, chosen = 0) {
  const id = `tabs-${++made}`;
  const buttons = parts.map(([title], n) => h('button', {
    type: 'button', role: 'tab', id: `${id}-${n}`, 'aria-controls': `${id}-${n}-panel`,
    on: {click: () => choose(n)},
  }, title));
  const panels = parts.map(([, element], n) => h('div', {
    role: 'tabpanel', id: `${id}-${n}-panel`, 'aria-labelledby': `${id}-${n}`,
  }, element));

  function choose(index) {
    buttons.forEach((button, n) => {
      button.setAttribute('aria-selected', String(n === index));
      button.tabIndex = n === index ? 0 : -1;
      panels[n].hidden = n !== index;
    });
  }

  function move(event) {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!step) return;
    const next = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
    choose(next);
    buttons[next].focus();
  }

  choose(chosen);
  return h('div', {}, h('div', {class: 'tabs', role: 'tablist', 'aria-label': label, on: {keydown: move}}, ...buttons), ...panels);
}
