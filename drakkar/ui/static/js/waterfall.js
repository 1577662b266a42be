// Bars of what happened when: stage, start and duration on one scale.

import {h} from './dom.js';
import {duration, plain} from './format.js';

const MOST = 300;

export function waterfall(spans, total) {
  const scale = Math.max(total, ...spans.map((span) => span.start + span.duration), 1e-6);
  const rows = spans.slice(0, MOST).map((span) => row(span, scale));
  const more = spans.length - rows.length;
  return h('div', {},
    h('ol', {class: 'waterfall'}, ...rows),
    h('p', {class: 'scale'}, h('span', {}, '0'), h('span', {}, duration(scale))),
    more > 0 ? h('p', {class: 'dim'}, `${more} more are not shown.`) : null);
}

function row(span, scale) {
  const bar = h('span', {class: 'bar', 'data-stage': kind(span.stage), 'data-state': span.failed ? 'failed' : null});
  // The policy for styles allows this, but no style attribute in the page.
  bar.style.marginLeft = `${(100 * span.start) / scale}%`;
  bar.style.width = `${(100 * span.duration) / scale}%`;
  const took = span.open ? `${duration(span.duration)}, not over` : duration(span.duration);
  return h('li', {'data-stage': span.stage, title: `${span.stage} began after ${duration(span.start)}, took ${took}`},
    h('span', {class: 'stage'}, h('b', {}, span.stage), span.label ? h('span', {class: 'dim'}, ` ${plain(span.label)}`) : null),
    h('span', {class: 'track', 'aria-hidden': 'true'}, bar),
    h('span', {class: 'num'}, span.failed ? `✕ ${took}` : took));
}

function kind(stage) {
  return {queue: 'wait', backoff: 'wait', execute: 'execute'}[stage] ?? 'code';
}
