// A probe's report as elements. All that the message and the programs said is text.

import {h} from './dom.js';
import {bytes, duration, integer, plain} from './format.js';
import {tasks} from './probe-tasks.js';
import {shown} from './shown.js';
import {tabs} from './tabs.js';
import {waterfall} from './waterfall.js';

export function report(r) {
  return [
    summary(r),
    section('exceptions', 'Exceptions', r.exceptions.length, r.exceptions.map(exception), true),
    section('timeline', 'Timeline', null, [waterfall(r.timeline, r.duration_seconds)], true),
    section('decode', 'Message', null, [message(r)], !r.decode.ok),
    section('tasks', 'Tasks', r.tasks.length + (r.left_out.tasks ?? 0), tasks(r.tasks), true),
    section('payloads', 'Hooks and payloads', r.hooks.length, r.hooks.map(hook), true),
    section('dead-letters', 'Would be dead-lettered', r.dead_letters.length, r.dead_letters.map(letter), true),
    section('annotations', 'Annotations', r.annotations.length, r.annotations.map(annotation), true),
    leftOut(r.left_out),
    raw(r),
  ].filter(Boolean);
}

const ENDS = {
  timeout: ['bad', 'Ended by its time limit'],
  cancelled: ['paused', 'Cancelled'],
  failed: ['bad', 'Failed'],
};

function verdict(r) {
  if (ENDS[r.status]) return ENDS[r.status];
  if (r.dead_letters.length) return ['bad', 'Would be dead-lettered'];
  return r.exceptions.length ? ['paused', 'Completed with exceptions'] : ['completed', 'Completed'];
}

function summary(r) {
  const [state, words] = verdict(r);
  const sinks = Object.entries(r.sinks).map(([sink, count]) => `${integer(count)} → ${sink}`);
  const facts = [
    ['Message', plain(r.message.label)],
    ['Took', duration(r.duration_seconds)],
    ['Tasks', integer(r.tasks.length + (r.left_out.tasks ?? 0))],
    ['Payloads', sinks.join(', ') || 'none'],
    ['Without a sink', r.unroutable ? integer(r.unroutable) : null],
    ['Offset', fate(r)],
  ];
  return h('div', {class: 'card', id: 'probe-summary', 'data-status': r.status},
    h('p', {class: 'verdict'}, h('span', {class: 'badge', 'data-state': state}, words), ' ',
      h('span', {class: 'dim'}, 'Nothing of this was delivered, committed or recorded.')),
    h('dl', {class: 'facts'}, ...facts.filter(([, value]) => value !== null)
      .map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value)))));
}

function fate(r) {
  if (!r.offset_complete) return 'would not be complete yet';
  return r.dead_letters.length ? 'would complete by the dead letter queue' : 'would complete';
}

function section(id, title, count, children, open) {
  if (count === 0) return null;
  return h('details', {class: 'card part', id: `probe-${id}`, open},
    h('summary', {}, h('h2', {}, title), count === null ? null : h('span', {class: 'count'}, integer(count))),
    ...children);
}

function exception(e) {
  return h('div', {class: 'exception', 'data-hook': e.hook},
    h('p', {}, h('code', {}, e.hook), ' ', h('b', {class: 'error'}, plain(e.error)),
      e.times > 1 ? h('span', {class: 'dim'}, ` ${e.times} times`) : null),
    e.traceback ? h('pre', {tabindex: '0', 'aria-label': `Traceback of ${e.hook}`}, plain(e.traceback)) : null);
}

function message(r) {
  const parts = [['Value', content(r.message.value)]];
  if (r.message.key) parts.push(['Key', content(r.message.key)]);
  if (r.message.headers.length) {
    parts.push(['Headers', h('pre', {}, r.message.headers.map((x) => `${plain(x.name)}: ${plain(x.value?.text)}`).join('\n'))]);
  }
  const decoded = r.decode.ok
    ? shown(r.decode.payload)
    : h('p', {class: 'error'}, plain(r.decode.error) || 'was not decoded');
  return tabs('Message', [['Decoded', decoded], ...parts]);
}

function content(value) {
  if (value === null) return h('p', {class: 'dim'}, 'null');
  const notes = [bytes(value.bytes), value.encoding === 'base64' ? 'shown as base64' : null, value.truncated ? 'cut' : null];
  return h('div', {}, h('p', {class: 'dim'}, notes.filter(Boolean).join(', ')), h('pre', {tabindex: '0'}, plain(value.text)));
}

function hook(call) {
  const count = call.payloads.length + call.more_payloads;
  const returns = call.hook.endsWith('_complete');
  return h('details', {class: 'hook', 'data-hook': call.hook, open: Boolean(call.error) || (count > 0 && count <= 5)},
    h('summary', {}, h('code', {}, call.hook),
      call.task_id ? h('span', {class: 'dim'}, ` ${plain(call.task_id)}`) : null,
      h('span', {class: 'num'}, ` ${call.duration_seconds === null ? 'never returned' : duration(call.duration_seconds)}`),
      returns ? h('span', {class: 'count'}, count === 1 ? '1 payload' : `${integer(count)} payloads`) : null),
    call.payloads.some((p) => p.error) ? h('p', {class: 'error'}, 'One has no sink, so none of them would be sent.') : null,
    call.error ? h('p', {class: 'error'}, plain(call.error)) : null,
    ...bySink(call.payloads).map(([sink, payloads]) => h('div', {class: 'sink', 'data-sink': sink},
      h('h3', {}, sink || 'no sink', h('span', {class: 'count'}, integer(payloads.length))),
      ...payloads.map(payload))),
    call.more_payloads ? h('p', {class: 'dim'}, `${integer(call.more_payloads)} more are not shown.`) : null);
}

function bySink(payloads) {
  const groups = new Map();
  for (const p of payloads) groups.set(p.sink, [...(groups.get(p.sink) ?? []), p]);
  return [...groups];
}

function payload(p) {
  return h('div', {class: 'payload'},
    h('p', {}, h('code', {}, plain(p.type)), p.error ? h('span', {class: 'error'}, ` ${plain(p.error)}`) : null),
    shown(p));
}

function letter(d) {
  const where = d.task_id ? ` of task ${plain(d.task_id)}` : '';
  return h('p', {}, h('b', {}, d.stage), where, ': ', h('span', {class: 'error'}, plain(d.error)),
    d.attempts > 1 ? h('span', {class: 'dim'}, ` after ${d.attempts} attempts`) : null);
}

function annotation(a) {
  return h('div', {}, h('p', {class: 'dim'}, `after ${duration(a.at)}`), shown(a));
}

function leftOut(counts) {
  const parts = Object.entries(counts).map(([kind, count]) => `${integer(count)} ${kind}`);
  return parts.length ? h('p', {class: 'dim', id: 'probe-left-out'}, `Not shown: ${parts.join(', ')}.`) : null;
}

function raw(r) {
  const box = h('pre', {tabindex: '0'});
  const part = h('details', {class: 'card part', id: 'probe-json'}, h('summary', {}, h('h2', {}, 'JSON')), box);
  part.addEventListener('toggle', () => { if (part.open && !box.textContent) box.textContent = JSON.stringify(r, null, 2); });
  return part;
}
