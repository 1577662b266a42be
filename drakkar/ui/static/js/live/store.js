// What the page knows of the worker: bars, calls, and the pool. Follows the frames of the topic
// `live`; applying one twice changes nothing. Pure: no DOM.

import {Lanes} from './lanes.js';

const UTILISATION_SECONDS = 60;

export class Store {
  constructor() {
    this.clear();
  }

  clear() {
    this.revision = 0;
    this.limits = { bars: 10000, calls: 200 };
    this.bars = new Map(); // by id
    this.running = new Map(); // those without an end
    this.over = []; // the others, by revision
    this.lanes = new Lanes();
    this.arranged = [];
    this.collected = [];
    this.earlier = 0;
    this.pool = { slots: 0, active: 0, waiting: 0, idle_slot_seconds: 0 };
    this.samples = [];
    this.now = 0;
    this.minDuration = 0;
  }

  snapshot(data) {
    const samples = this.samples;
    this.clear();
    this.samples = samples;
    this.limits = data.limits;
    this.minDuration = data.min_duration;
    this.earlier = data.earlier;
    this.#follow(data);
  }

  // Returns false where something is missing in between: a snapshot is needed.
  delta(data) {
    if (data.since > this.revision) return false;
    this.#follow(data);
    return true;
  }

  // One page of the past, as `/api/live/bars` returns it.
  fill(page) {
    const fresh = page.bars.filter((bar) => !this.bars.has(bar.id));
    for (const bar of fresh) this.bars.set(bar.id, bar);
    this.over = [...fresh, ...this.over];
    this.lanes.addEarlier(fresh);
    this.earlier = page.earlier;
  }

  // The share of slot time in use, null while unknown, and the seconds that it is of: at most the
  // last minute, and no longer than this page is open.
  utilisation() {
    const [first] = this.samples;
    const last = this.samples[this.samples.length - 1];
    const seconds = first ? last.now - first.now : 0;
    if (seconds < 1 || !this.pool.slots) return { share: null, seconds };
    const idle = (last.idle - first.idle) / (seconds * this.pool.slots);
    return { share: Math.min(Math.max(1 - idle, 0), 1), seconds };
  }

  #follow(data) {
    for (const bar of data.bars) this.#put(bar);
    this.#trim();
    this.arranged = this.#merged(this.arranged, data.arranged);
    this.collected = this.#merged(this.collected, data.collected);
    this.revision = data.revision;
    this.now = data.now;
    this.pool = data.pool;
    this.#sample();
  }

  #put(bar) {
    let known = this.bars.get(bar.id);
    if (known) {
      if (known.revision >= bar.revision) return;
      if (known.end !== null) this.over.splice(this.over.indexOf(known), 1);
      Object.assign(known, bar);
    } else {
      known = bar;
      this.bars.set(bar.id, bar);
      this.lanes.add(bar);
    }
    if (known.end === null) {
      this.running.set(known.id, known);
    } else {
      this.running.delete(known.id);
      this.over.push(known);
    }
  }

  // A little more than the limit is kept for a while: removing one by one would be slow.
  #trim() {
    if (this.over.length <= this.limits.bars * 1.05) return;
    const gone = this.over.splice(0, this.over.length - this.limits.bars);
    for (const bar of gone) this.bars.delete(bar.id);
    this.lanes.remove(gone);
    this.earlier = 0;
  }

  #merged(old, fresh) {
    const last = old.length ? old[old.length - 1].revision : 0;
    return [...old, ...fresh.filter((call) => call.revision > last)].slice(-this.limits.calls);
  }

  #sample() {
    const last = this.samples[this.samples.length - 1];
    const idle = this.pool.idle_slot_seconds;
    if (last && (this.now < last.now || idle < last.idle)) this.samples = []; // it restarted
    if (!this.samples.length || this.now - last.now >= 0.5) this.samples.push({ now: this.now, idle });
    while (this.samples[0].now < this.now - UTILISATION_SECONDS) this.samples.shift();
  }
}
