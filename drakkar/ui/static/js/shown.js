// How the probe's report shows any value.

import {h} from './dom.js';
import {plain} from './format.js';

// JSON, or a text where it was too long or had no JSON form.
export function shown(part) {
  const text = typeof part.value === 'string' && (part.truncated || part.problem)
    ? part.value
    : JSON.stringify(part.value, null, 2);
  return h('div', {},
    part.problem ? h('p', {class: 'error'}, `Can not be written as JSON: ${plain(part.problem)}`) : null,
    part.truncated ? h('p', {class: 'dim'}, 'Too long to show: cut.') : null,
    h('pre', {tabindex: '0'}, plain(text)));
}
