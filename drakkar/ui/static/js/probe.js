// The Message Probe: sends the form, shows what came of it.

import {$, api} from './dom.js';
import {duration} from './format.js';
import {report} from './probe-report.js';

const form = $('#probe-form');
const run = $('#probe-run');
const cancel = $('#probe-cancel');
const status = $('#probe-status');
const problem = $('#probe-error');
const result = $('#probe-report');

let probeId = '';

function headers(text) {
  return text.split('\n').filter((line) => line.trim()).map((line) => {
    const at = line.indexOf(':');
    if (at < 1) throw new Error(`Headers: '${line.slice(0, 60)}' is not name: value`);
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  });
}

// An offset may be larger than what JavaScript counts exactly, so it goes as it was typed.
function body(fields) {
  const encoding = fields.get('encoding');
  const asked = {
    value: encoding === 'null' ? null : fields.get('value'),
    encoding: encoding === 'base64' ? 'base64' : 'text',
    key: fields.get('key') || null,
    headers: headers(fields.get('headers')),
    topic: fields.get('topic'),
    partition: Number(fields.get('partition')),
    timestamp: fields.get('timestamp') ? Number(fields.get('timestamp')) : null,
    timeout_seconds: Number(fields.get('timeout_seconds')),
    probe_id: probeId,
  };
  return `${JSON.stringify(asked).slice(0, -1)},"offset":${BigInt(fields.get('offset'))}}`;
}

function post(path, text) {
  return api(path, {
    method: 'POST',
    headers: {'Content-Type': 'application/json', Accept: 'application/json'},
    body: text,
  });
}

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
}

function busy(on) {
  run.disabled = on;
  cancel.hidden = !on;
  cancel.disabled = false;
  form.setAttribute('aria-busy', String(on));
}

async function probe() {
  probeId = newId();
  problem.hidden = true;
  result.hidden = true;
  const began = performance.now();
  const tick = () => { status.textContent = `Running for ${duration((performance.now() - began) / 1000)}`; };
  const timer = setInterval(tick, 250);
  try {
    const text = body(new FormData(form));
    busy(true);
    tick();
    const told = await post('/api/probe', text);
    result.replaceChildren(...report(told));
    result.hidden = false;
    status.textContent = '';
    result.focus({preventScroll: true});
    result.scrollIntoView({block: 'start'});
  } catch (error) {
    status.textContent = '';
    problem.textContent = error.message;
    problem.hidden = false;
  } finally {
    clearInterval(timer);
    busy(false);
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  probe();
});

form.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

form.addEventListener('change', () => {
  form.elements.value.disabled = form.elements.encoding.value === 'null';
});

cancel.addEventListener('click', async () => {
  cancel.disabled = true;
  status.textContent = 'Cancelling';
  await post('/api/probe/cancel', JSON.stringify({probe_id: probeId})).catch(() => null);
});
