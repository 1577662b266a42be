// Draws lanes and the time axis. Colours come from the style sheet; every kind of bar has a shape
// of its own too, for those who can not tell the colours apart.

import {clock, ticks} from './scale.js';

export const GUTTER = 36; // for the numbers of the slots
const RANKS = ['completed', 'http', 'ended', 'cancelled', 'running', 'failed']; // the last on top
const NAMES = ['grid', 'stripe', 'muted', 'http-edge', ...RANKS, ...RANKS.map((kind) => `${kind}-ink`)];
const HATCH_PIXELS = 6;
const SLIM_PIXELS = 2.5;
const TEXT_PIXELS = 6.2; // of one letter, about

export function palette(element) {
  const style = getComputedStyle(element);
  const colours = { font: `11px ${style.fontFamily}` };
  for (const name of NAMES) colours[name] = style.getPropertyValue(`--live-${name}`).trim();
  return colours;
}

export function kindOf(bar) {
  return bar.state === 'completed' && bar.http ? 'http' : bar.state;
}

export function paintAxis(context, scale, colours) {
  const {canvas} = context;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.font = colours.font;
  context.fillStyle = colours.muted;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  context.fillText('slot', 4, 11);
  context.textAlign = 'center';
  const {step, times} = ticks(scale);
  for (const time of times) {
    const x = scale.x(time);
    if (x > 24 && x < scale.width - 24) context.fillText(clock(time, step), GUTTER + x, 11);
    context.fillRect(Math.round(GUTTER + x), 19, 1, 5);
  }
}

// Draws the lanes from `top` to `bottom` (CSS pixels) and returns the number of bars drawn.
export function paintLanes(context, {scale, lanes, slots, laneHeight, now, top, bottom, colours}) {
  const first = Math.max(Math.floor(top / laneHeight), 0);
  const last = Math.min(Math.ceil(bottom / laneHeight), slots);
  const width = GUTTER + scale.width;
  context.clearRect(0, top, width, bottom - top);
  paintBackground(context, {scale, first, last, laneHeight, width, colours});
  const piles = RANKS.map(() => []);
  for (let slot = first; slot < last; slot += 1) {
    collect(lanes, slot, scale, now, piles);
  }
  context.save();
  context.beginPath();
  context.rect(GUTTER, top, scale.width, bottom - top);
  context.clip();
  let drawn = 0;
  piles.forEach((pile, rank) => {
    drawn += pile.length;
    if (pile.length) paintPile(context, RANKS[rank], pile, laneHeight, colours);
  });
  context.restore();
  return drawn;
}

// Puts what is seen of a lane on the pile of its kind. What can not be told apart is drawn once: of
// bars that end within one pixel the most important, and slim ones that touch as a single one.
function collect(lanes, slot, scale, now, piles) {
  let last = null;
  lanes.visible(slot, scale.start, scale.end, (bar) => {
    const from = GUTTER + Math.max(scale.x(bar.start), -4);
    const to = GUTTER + Math.min(scale.x(bar.end ?? Math.max(now, bar.start)), scale.width + 4);
    const rank = RANKS.indexOf(kindOf(bar));
    const slim = to - from < SLIM_PIXELS;
    if (slim && last?.slim) {
      const end = last.x + last.width;
      if (rank <= last.rank && Math.floor(to) <= Math.floor(end)) return;
      if (rank === last.rank && from - end < 1) {
        last.width = to - last.x;
        last.merged = true;
        return;
      }
    }
    last = {slot, x: from, width: Math.max(to - from, 1), bar, rank, slim, merged: false};
    piles[rank]?.push(last);
  });
}

function paintBackground(context, {scale, first, last, laneHeight, width, colours}) {
  context.fillStyle = colours.stripe;
  for (let slot = first; slot < last; slot += 1) {
    if (slot % 2) context.fillRect(0, slot * laneHeight, width, laneHeight);
  }
  context.fillStyle = colours.grid;
  for (const time of ticks(scale).times) {
    const x = Math.round(GUTTER + scale.x(time));
    if (x >= GUTTER) context.fillRect(x, first * laneHeight, 1, (last - first) * laneHeight);
  }
  context.fillStyle = colours.muted;
  context.font = colours.font;
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  const every = Math.max(1, Math.ceil(13 / laneHeight));
  for (let slot = first; slot < last; slot += 1) {
    const y = Math.max((slot + 0.5) * laneHeight, 6);
    if (slot % every === 0) context.fillText(String(slot), GUTTER - 8, y);
  }
}

function paintPile(context, kind, pile, laneHeight, colours) {
  const gap = kind === 'failed' ? 0 : Math.max(1, Math.round(laneHeight * 0.14));
  const height = laneHeight - 2 * gap - (kind === 'failed' ? 1 : 0);
  context.fillStyle = colours[kind];
  for (const {slot, x, width} of pile) {
    // A pixel of air between one bar and the next, where there is room for it.
    const shown = width >= 4 ? width - 1 : width;
    context.fillRect(x, slot * laneHeight + gap, kind === 'failed' ? Math.max(shown, 2) : shown, height);
  }
  const wide = pile.filter(({width, merged}) => width >= 5 && !merged);
  context.strokeStyle = colours[`${kind}-ink`];
  context.lineWidth = 1;
  if (kind === 'failed') hatch(context, wide, laneHeight, gap, height);
  if (kind === 'running') arrows(context, wide, laneHeight, gap, height);
  if (kind === 'cancelled' || kind === 'ended') outline(context, wide, laneHeight, gap, height, [3, 2]);
  const requests = wide.filter(({bar}) => bar.http);
  if (requests.length) {
    context.strokeStyle = colours['http-edge'];
    context.lineWidth = laneHeight >= 15 ? 2 : 1;
    const inset = laneHeight >= 15 ? 1 : 0;
    outline(context, requests, laneHeight, gap + inset, height - 2 * inset, []);
  }
  if (laneHeight >= 15) names(context, kind, wide, laneHeight, colours);
}

function hatch(context, bars, laneHeight, gap, height) {
  context.beginPath();
  for (const {slot, x, width} of bars) {
    const top = slot * laneHeight + gap;
    for (let at = 0; at + height < Math.min(width, 4000); at += HATCH_PIXELS) {
      context.moveTo(x + at, top + height);
      context.lineTo(x + at + height, top);
    }
  }
  context.globalAlpha = 0.35;
  context.stroke();
  context.globalAlpha = 1;
}

// A bar that still grows has a point.
function arrows(context, bars, laneHeight, gap, height) {
  context.beginPath();
  for (const {slot, x, width} of bars) {
    const top = slot * laneHeight + gap;
    const end = x + width - 1;
    context.moveTo(end - 4, top + 1);
    context.lineTo(end - 1, top + height / 2);
    context.lineTo(end - 4, top + height - 1);
  }
  context.lineWidth = 1.5;
  context.stroke();
}

function outline(context, bars, laneHeight, gap, height, dashes) {
  context.setLineDash(dashes);
  for (const {slot, x, width} of bars) {
    context.strokeRect(x + 0.5, slot * laneHeight + gap + 0.5, width - 2, height - 1);
  }
  context.setLineDash([]);
}

function names(context, kind, pile, laneHeight, colours) {
  context.font = colours.font;
  context.fillStyle = colours[`${kind}-ink`];
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  for (const {slot, x, width, bar} of pile) {
    const from = Math.max(x, GUTTER);
    const letters = Math.floor((x + width - from - 14) / TEXT_PIXELS);
    if (letters < 6) continue;
    const text = title(bar);
    const cut = text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
    context.fillText(cut, from + 5, (slot + 0.5) * laneHeight);
  }
}

// What a bar is called: its labels, where it has any.
export function title(bar) {
  const labels = Object.values(bar.labels);
  return labels.length ? labels.join(' · ') : bar.name;
}
