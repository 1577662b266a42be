// The tab Trace: says that a search is under way, and puts the cursor where it is needed.

import {$, setText} from './dom.js';

const field = $('#trace-q');

$('#trace-form').addEventListener('submit', (event) => {
  if (!field.value.trim()) {
    event.preventDefault();
    field.focus();
    return;
  }
  setText($('#trace-busy'), 'searching…');
});

// Back from a result: the search is over.
addEventListener('pageshow', () => setText($('#trace-busy'), ''));
if (!field.value) field.focus();
