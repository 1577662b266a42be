// The timeline: which part of time is shown, and when it is drawn anew. Nothing is drawn while
// nothing changes, while the page is hidden, or more often than a bar could move by a pixel.

import {listen} from './gestures.js';
import {GUTTER, paintAxis, paintLanes, palette} from './paint.js';
import {Scale, clamp} from './scale.js';

const FIRST_SPAN = 60;
const AHEAD = 0.03; // of the span, to the right of now
const AXIS_HEIGHT = 24;
const LANES_HEIGHT = 440; // what the lanes share, if they can
const [LEAST_LANE, MOST_LANE] = [7, 26];
const MARGIN_PIXELS = 4; // around the pointer
const REST = 4; // times as long as drawing took, so that slow machines have time for the rest
const STEPS = {usual: 33, reduced: 1000}; // milliseconds between two frames at least

export class Timeline {
  // `changed()` is called when what is followed or shown changes, `hovered(bar, x, y)` with the
  // bar under the pointer or null and the pointer's place, `opened(bar, event)` on a click.
  constructor(root, store, time, {changed, hovered, opened}) {
    this.axis = root.querySelector('[data-part="axis"]');
    this.canvas = root.querySelector('[data-part="lanes"]');
    this.box = root.querySelector('[data-part="box"]');
    this.store = store;
    this.time = time;
    this.changed = changed;
    this.hovered = hovered;
    this.opened = opened;
    this.follow = true;
    this.scale = new Scale(time.now() - FIRST_SPAN, FIRST_SPAN, 100);
    this.stats = {frames: 0, bars: 0, last: 0, worst: 0, total: 0};
    this.frame = 0;
    this.timer = 0;
    this.slots = 1;
    this.calm = matchMedia('(prefers-reduced-motion: reduce)');
    this.#watch();
    listen(this);
  }

  get laneHeight() {
    return clamp(Math.floor(LANES_HEIGHT / this.slots), LEAST_LANE, MOST_LANE);
  }

  // What there is to see has changed.
  refresh(slots) {
    const count = Math.max(slots, this.store.lanes.count, 1);
    if (count !== this.slots) {
      this.slots = count;
      this.#resize();
    }
    this.invalidate();
  }

  invalidate() {
    clearTimeout(this.timer);
    this.timer = 0;
    if (!this.frame && !document.hidden && this.box.clientWidth) {
      this.frame = requestAnimationFrame(() => this.#draw());
    }
  }

  setFollow(follow) {
    if (follow === this.follow) return;
    this.follow = follow;
    this.changed();
    this.invalidate();
  }

  // `x` is where time stays, in pixels of the canvas; now stays where it is while followed.
  zoom(factor, x = null) {
    const anchor = this.follow ? this.scale.width : (x ?? GUTTER + this.scale.width / 2) - GUTTER;
    this.scale = this.scale.zoomed(factor, clamp(anchor, 0, this.scale.width));
    this.changed();
    this.invalidate();
  }

  // Moves the view by pixels, to the right where positive; at now it follows again.
  pan(pixels) {
    const moved = this.scale.moved(pixels);
    const end = this.#end(moved.span);
    if (moved.end >= end) {
      this.setFollow(true);
    } else {
      this.scale = moved;
      this.setFollow(false);
    }
    this.invalidate();
  }

  toEarliest() {
    const earliest = this.store.lanes.earliest();
    if (!Number.isFinite(earliest)) return;
    const start = earliest - this.scale.span * AHEAD;
    if (start + this.scale.span >= this.#end(this.scale.span)) return;
    this.scale = new Scale(start, this.scale.span, this.scale.width);
    this.setFollow(false);
    this.invalidate();
  }

  barAt(x, y) {
    if (x < GUTTER) return null;
    const time = this.scale.time(x - GUTTER);
    const margin = (MARGIN_PIXELS / this.scale.width) * this.scale.span;
    return this.store.lanes.at(Math.floor(y / this.laneHeight), time, margin);
  }

  #end(span) {
    return this.time.now() + span * AHEAD;
  }

  #watch() {
    new ResizeObserver(() => this.#resize()).observe(this.box);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.colours = null;
      this.invalidate();
    });
    document.addEventListener('visibilitychange', () => this.invalidate());
    this.box.addEventListener('scroll', () => this.invalidate());
  }

  #resize() {
    const width = this.box.clientWidth;
    if (!width) return;
    this.ratio = devicePixelRatio || 1;
    this.#size(this.axis, width, AXIS_HEIGHT);
    this.#size(this.canvas, width, this.slots * this.laneHeight);
    const {start, span} = this.scale;
    this.scale = new Scale(start, span, Math.max(width - GUTTER, 10));
    this.invalidate();
  }

  #size(canvas, width, height) {
    canvas.width = Math.round(width * this.ratio);
    canvas.height = Math.round(height * this.ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }

  #draw() {
    const began = performance.now();
    this.frame = 0;
    if (this.ratio !== devicePixelRatio) this.#resize();
    const now = this.time.now();
    if (this.follow) {
      const {span, width} = this.scale;
      const shown = this.calm.matches ? Math.ceil(now) : now; // moves in whole seconds
      this.scale = new Scale(shown + span * AHEAD - span, span, width);
    }
    this.colours ??= palette(this.canvas);
    const bars = this.#paint(now);
    this.#measure(performance.now() - began, bars);
    if (this.#moves(now)) this.timer = setTimeout(() => this.invalidate(), this.#pause());
  }

  #paint(now) {
    const [axis, lanes] = [this.axis, this.canvas].map((canvas) => {
      const context = canvas.getContext('2d');
      context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      return context;
    });
    const {scale, slots, laneHeight, colours} = this;
    paintAxis(axis, scale, colours);
    const top = this.box.scrollTop;
    const bottom = Math.min(top + this.box.clientHeight, slots * laneHeight);
    return paintLanes(lanes, {
      scale, slots, laneHeight, colours, now, top, bottom, lanes: this.store.lanes,
    });
  }

  // Whether the picture changes by time alone: it scrolls, or a bar in it grows.
  #moves(now) {
    if (this.time.stopped) return false;
    return this.follow || (this.store.running.size > 0 && this.scale.end > now);
  }

  #pause() {
    const pixel = ((this.scale.span / this.scale.width) * 1000) / this.ratio;
    const least = this.calm.matches ? STEPS.reduced : STEPS.usual;
    return Math.max(Math.min(pixel, 1000), least, this.stats.last * REST);
  }

  #measure(took, bars) {
    const {stats} = this;
    stats.frames += 1;
    stats.bars = bars;
    stats.last = took;
    stats.total += took;
    stats.worst = Math.max(stats.worst, took);
  }
}
