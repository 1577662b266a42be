// <button data-copy="ID"> copies the text of the element with that id.

import {$, $$, setText} from './dom.js';

async function write(text) {
  // The clipboard needs HTTPS or localhost; elsewhere the text is selected, ready for Ctrl-C.
  if (!navigator.clipboard) return false;
  return navigator.clipboard.writeText(text).then(() => true, () => false);
}

for (const button of $$('[data-copy]')) {
  const title = button.textContent;
  button.addEventListener('click', async () => {
    const source = $(`#${button.dataset.copy}`);
    const copied = await write(source.textContent);
    if (!copied) getSelection().selectAllChildren(source);
    setText(button, copied ? 'Copied ✓' : 'Press Ctrl-C');
    setTimeout(() => setText(button, title), 2000);
  });
}
