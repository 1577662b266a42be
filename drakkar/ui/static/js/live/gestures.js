// Pointer, wheel and keys of the timeline: drag and arrows move it, wheel, pinch and +/- zoom it.

import {GUTTER} from './paint.js';

const CLICK_PIXELS = 5; // a pointer that moved further than this has dragged
const KEY_ZOOM = 1.5;
const KEY_PAN = 0.2; // of the width

export function listen(timeline) {
  const {canvas} = timeline;
  const pointers = new Map();
  let travelled = 0;

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    if (!pointers.size) travelled = 0;
    pointers.set(event.pointerId, event.offsetX);
    canvas.setPointerCapture(event.pointerId);
  });

  canvas.addEventListener('pointermove', (event) => {
    const before = pointers.get(event.pointerId);
    if (before === undefined) {
      hover(timeline, event);
      return;
    }
    const spread = distance(pointers);
    pointers.set(event.pointerId, event.offsetX);
    travelled += Math.abs(event.offsetX - before);
    if (travelled < CLICK_PIXELS) return;
    timeline.hovered(null);
    if (pointers.size > 1) pinch(timeline, pointers, spread);
    else drag(timeline, before - event.offsetX, event);
  });

  const release = (event) => {
    if (!pointers.delete(event.pointerId) || event.type === 'pointercancel') return;
    if (travelled >= CLICK_PIXELS || pointers.size) return;
    const bar = timeline.barAt(event.offsetX, event.offsetY);
    if (bar) timeline.opened(bar, event);
  };
  canvas.addEventListener('pointerup', release);
  canvas.addEventListener('pointercancel', release);
  canvas.addEventListener('pointerleave', () => timeline.hovered(null));

  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    timeline.hovered(null);
    const step = event.deltaMode === 0 ? 1 : 20; // pixels, or lines
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      timeline.pan((event.deltaX || event.deltaY) * step);
    } else {
      timeline.zoom(Math.exp(Math.max(Math.min(event.deltaY * step, 240), -240) / 400), event.offsetX);
    }
  }, {passive: false});

  canvas.addEventListener('keydown', (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? null : keyed(timeline, event.key);
    if (!act) return;
    event.preventDefault();
    timeline.hovered(null);
    act();
  });
}

function keyed(timeline, key) {
  const step = timeline.scale.width * KEY_PAN;
  return {
    '+': () => timeline.zoom(1 / KEY_ZOOM),
    '=': () => timeline.zoom(1 / KEY_ZOOM),
    '-': () => timeline.zoom(KEY_ZOOM),
    ArrowLeft: () => timeline.pan(-step),
    ArrowRight: () => timeline.pan(step),
    Home: () => timeline.toEarliest(),
    End: () => timeline.setFollow(true),
    ' ': () => timeline.setFollow(!timeline.follow),
  }[key];
}

function hover(timeline, event) {
  if (event.pointerType === 'touch') return;
  const bar = timeline.barAt(event.offsetX, event.offsetY);
  timeline.canvas.classList.toggle('on-bar', bar !== null);
  timeline.hovered(bar, event.clientX, event.clientY);
}

// Fingers scroll the lanes up and down without our help.
function drag(timeline, pixels, event) {
  timeline.pan(pixels);
  if (event.pointerType === 'mouse') timeline.box.scrollTop -= event.movementY;
}

function distance(pointers) {
  const places = [...pointers.values()];
  return Math.max(Math.abs(places[0] - (places[1] ?? places[0])), 1);
}

function pinch(timeline, pointers, before) {
  const places = [...pointers.values()];
  const middle = (places[0] + places[1]) / 2;
  timeline.zoom(before / distance(pointers), Math.max(middle, GUTTER));
}
