// The one WebSocket of a page. subscribe('worker', (frame) => ...) hears frames
// {topic, kind: 'snapshot' | 'delta', seq, dropped, data}; after a reconnect, and after frames
// were lost, a snapshot comes first. While the worker is gone a banner says so.

import {$} from './dom.js';

const FIRST_DELAY = 500;
const LONGEST_DELAY = 15000;
const SILENCE = 45000; // without a frame or an event; then the connection is taken for dead

const listeners = new Map();
let socket = null;
let delay = FIRST_DELAY;
let timer = null;
let silence = null;
let leaving = false;
let failures = 0;

export function subscribe(topic, listener) {
  if (!listeners.has(topic)) listeners.set(topic, []);
  listeners.get(topic).push(listener);
  // All modules of the page may subscribe first; then one socket serves them all.
  if (socket === null && timer === null) timer = setTimeout(connect, 0);
}

function connect() {
  timer = null;
  const url = new URL('/ws', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  url.searchParams.set('topics', [...listeners.keys()].join(','));
  socket = new WebSocket(url);
  socket.addEventListener('open', onOpen);
  socket.addEventListener('message', onMessage);
  socket.addEventListener('close', onClose);
}

function onOpen() {
  delay = FIRST_DELAY;
  failures = 0;
  hideBanner();
  watchSilence();
}

function onMessage(event) {
  watchSilence();
  const frame = JSON.parse(event.data);
  if (frame.dropped > 0) {
    showBanner(`This page was too slow: ${frame.dropped} updates were left out.`, 'notice');
    setTimeout(hideNotice, 5000);
  }
  for (const listener of listeners.get(frame.topic) ?? []) listener(frame);
}

function onClose() {
  clearTimeout(silence);
  socket = null;
  if (leaving) return;
  failures += 1;
  if (failures === 2) askToSignIn();
  const wait = delay * (0.75 + Math.random() / 2);
  delay = Math.min(delay * 2, LONGEST_DELAY);
  countDown(Date.now() + wait);
}

// A script is not told why a socket was refused. Where it is the token, the page asks for it.
async function askToSignIn() {
  const answer = await fetch('/api/workers').catch(() => null);
  if (answer?.status === 401) location.reload();
}

function countDown(until) {
  const left = until - Date.now();
  if (left <= 0) {
    showBanner('Worker gone. Reconnecting…', 'gone');
    connect();
    return;
  }
  showBanner(`Worker gone: what you see is old. Reconnecting in ${Math.ceil(left / 1000)} s…`, 'gone');
  timer = setTimeout(countDown, Math.min(left, 250), until);
}

function watchSilence() {
  clearTimeout(silence);
  silence = setTimeout(() => socket?.close(), SILENCE);
}

function showBanner(text, state) {
  const banner = $('#connection-banner');
  banner.dataset.state = state;
  if (banner.textContent !== text) banner.textContent = text;
  banner.hidden = false;
  document.body.dataset.connection = state;
  if (state === 'gone') $('#live-dot').dataset.state = 'gone';
}

function hideNotice() {
  if ($('#connection-banner').dataset.state === 'notice') hideBanner();
}

function hideBanner() {
  $('#connection-banner').hidden = true;
  document.body.dataset.connection = 'live';
  $('#live-dot').dataset.state = 'live';
}

// A page that is left must not flash its banner; one that is shown again must be live.
addEventListener('pagehide', () => { leaving = true; socket?.close(); });
addEventListener('pageshow', (event) => { leaving = false; if (event.persisted && socket === null && listeners.size) connect(); });
addEventListener('online', () => { if (socket === null && timer !== null) { clearTimeout(timer); connect(); } });
