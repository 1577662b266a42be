// The filters of /history: a change of a toggle shows the list at once; empty fields stay out of
// the address. Without this module the form works by its button.

import {$, $$} from './dom.js';

const form = $('#history-form');

function address() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (String(value).trim()) query.append(name, String(value).trim());
  }
  const text = query.toString();
  return text ? `/history?${text}` : '/history';
}

function submit(event) {
  event?.preventDefault();
  location.assign(address());
}

form.addEventListener('submit', submit);

// Several toggles in a row are one change.
let waiting;
for (const toggle of $$('input[name="event"]', form)) {
  toggle.addEventListener('change', () => {
    clearTimeout(waiting);
    waiting = setTimeout(submit, 900);
  });
}

// A link in a row is followed; the row does not open as well.
for (const link of $$('.events summary a')) link.addEventListener('click', (event) => event.stopPropagation());
