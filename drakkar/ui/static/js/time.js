// Keeps every <time datetime> relative to now, with the exact local time as its title.

import {$$, setAttribute, setText} from './dom.js';

let skew = 0; // milliseconds by which the worker's clock is ahead of the browser's

// Tell what time it is at the worker, in seconds since the epoch.
export function setWorkerTime(seconds) {
  skew = seconds * 1000 - Date.now();
}

export function ago(milliseconds) {
  const seconds = Math.round((Date.now() + skew - milliseconds) / 1000);
  const passed = Math.abs(seconds);
  const text =
    passed < 2 ? 'now'
    : passed < 90 ? `${passed} s`
    : passed < 5400 ? `${Math.round(passed / 60)} min`
    : passed < 129600 ? `${Math.round(passed / 3600)} h`
    : `${Math.round(passed / 86400)} d`;
  return text === 'now' ? text : seconds < 0 ? `in ${text}` : `${text} ago`;
}

const exact = new Intl.DateTimeFormat('sv-SE', {
  dateStyle: 'short', timeStyle: 'medium',
});

// Make a <time> show seconds since the epoch, or nothing.
export function setTime(element, seconds) {
  setAttribute(element, 'datetime', seconds === null || seconds === undefined ? '' : new Date(seconds * 1000).toISOString());
  show(element);
}

function show(element) {
  const moment = Date.parse(element.dateTime);
  if (Number.isNaN(moment)) {
    setText(element, '–');
    setAttribute(element, 'title', '');
    return;
  }
  setText(element, ago(moment));
  const millis = String(new Date(moment).getMilliseconds()).padStart(3, '0');
  setAttribute(element, 'title', `${exact.format(moment)}.${millis} (${element.dateTime})`);
}

export function refreshTimes(root = document) {
  $$('time[datetime], time[data-time]', root).forEach(show);
}

export function start() {
  refreshTimes();
  setInterval(refreshTimes, 1000);
}
