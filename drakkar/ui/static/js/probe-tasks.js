// The tasks of a probe's report, with tabs for what each run said.

import {h} from './dom.js';
import {bytes, duration, integer, plain} from './format.js';
import {shown} from './shown.js';
import {tabs} from './tabs.js';

export function tasks(all) {
  return all.map((task) => h('article', {class: 'task', 'data-task': task.task_id},
    h('h3', {}, h('code', {}, plain(task.task_id)), ' ', state(task),
      ...Object.entries(task.labels).map(([name, value]) => h('span', {class: 'label'}, `${plain(name)}=`, h('b', {}, plain(value))))),
    task.precomputed ? null : h('pre', {class: 'command', tabindex: '0', 'aria-label': 'Command line'}, command(task)),
    ...task.attempts.map((attempt) => run(attempt, task)),
    task.attempts.length ? null : h('p', {class: 'dim'}, 'It has not ended.'),
    given(task)));
}

function state(task) {
  const last = task.attempts.at(-1);
  const words = last === undefined ? 'not ended' : last.status;
  const tone = last === undefined || words === 'cancelled' ? 'paused' : words === 'completed' ? 'completed' : 'failed';
  return h('span', {class: 'badge', 'data-state': tone}, task.precomputed ? `${words}, precomputed` : words);
}

// As one would type it; only for the eye, no shell ever sees it.
function command(task) {
  const quoted = task.args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`));
  const rest = task.args_count - task.args.length;
  return plain([task.binary_path || '(binary_path of the configuration)', ...quoted].join(' ')) +
    (rest > 0 ? ` … and ${rest} more arguments` : '');
}

function run(attempt, task) {
  const facts = [
    task.runs > 1 ? `run ${attempt.attempt}` : null,
    attempt.exit_code === null ? null : `exit code ${attempt.exit_code}`,
    attempt.exception || null,
    `took ${duration(attempt.duration_seconds)}`,
    attempt.queue_seconds > 0.001 ? `waited ${duration(attempt.queue_seconds)}` : null,
    attempt.pid === null ? null : `pid ${attempt.pid}`,
  ];
  return h('div', {class: 'run', 'data-attempt': attempt.attempt},
    h('p', {}, facts.filter(Boolean).map(plain).join(' · '),
      attempt.action ? h('b', {class: attempt.action === 'dlq' ? 'error' : 'decision'}, ` on_error: ${attempt.action}`) : null),
    tabs(`Output of run ${attempt.attempt}`, [
      [`stdout ${size(attempt.stdout)}`, output(attempt.stdout)],
      [`stderr ${size(attempt.stderr)}`, output(attempt.stderr)],
    ], attempt.status !== 'completed' && attempt.stderr.text && !attempt.stdout.text ? 1 : 0));
}

const size = (part) => (part.characters ? bytes(part.characters) : 'empty');

function output(part) {
  if (!part.text) return h('p', {class: 'dim'}, 'Nothing.');
  return h('div', {},
    h('pre', {tabindex: '0'}, plain(part.text)),
    part.truncated ? h('p', {class: 'dim'}, `Cut: it had ${integer(part.characters)} characters or more.`) : null);
}

function given(task) {
  const facts = [
    ['Source offsets', task.source_offsets.join(', ')],
    ['Replaces', task.parent_task_id],
    ['Own timeout', task.own_timeout_seconds === null ? null : duration(task.own_timeout_seconds)],
    ['stdin', task.stdin === null ? 'none' : bytes(task.stdin.bytes)],
  ].filter(([, value]) => value !== null && value !== '');
  return h('details', {class: 'given'}, h('summary', {}, 'What it was given'),
    h('dl', {class: 'facts'}, ...facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, plain(value))))),
    task.stdin === null ? null : h('pre', {tabindex: '0'}, plain(task.stdin.text)),
    Object.keys(task.env).length ? h('pre', {}, Object.entries(task.env).map(([n, v]) => `${plain(n)}=${plain(v)}`).join('\n')) : null,
    task.metadata.value && Object.keys(task.metadata.value).length ? shown(task.metadata) : null);
}
