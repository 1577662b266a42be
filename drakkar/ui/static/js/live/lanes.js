// The bars of each slot in order of time. A slot runs one program after the other, so starts and
// ends are in the same order, and what is in view is found by halving. Pure: no DOM.

export class Lanes {
  constructor() {
    this.lanes = [];
  }

  get count() {
    return this.lanes.length;
  }

  add(bar) {
    if (bar.slot < 0) return; // precomputed: it had no slot
    while (this.lanes.length <= bar.slot) this.lanes.push([]);
    const lane = this.lanes[bar.slot];
    let at = lane.length;
    while (at > 0 && lane[at - 1].start > bar.start) at -= 1;
    lane.splice(at, 0, bar);
  }

  // Bars that are older than all those known, in order.
  addEarlier(bars) {
    const fresh = [];
    for (const bar of bars) {
      if (bar.slot >= 0) (fresh[bar.slot] ??= []).push(bar);
    }
    fresh.forEach((found, slot) => {
      while (this.lanes.length <= slot) this.lanes.push([]);
      this.lanes[slot] = [...found, ...this.lanes[slot]].sort((a, b) => a.start - b.start);
    });
  }

  remove(bars) {
    const gone = new Set(bars);
    const touched = new Set(bars.map((bar) => bar.slot).filter((slot) => slot >= 0));
    for (const slot of touched) {
      this.lanes[slot] = this.lanes[slot].filter((bar) => !gone.has(bar));
    }
  }

  // Calls `visit(bar)` for each bar of a slot that is seen between two times.
  visible(slot, from, to, visit) {
    const lane = this.lanes[slot] ?? [];
    for (let at = firstAfter(lane, from); at < lane.length && lane[at].start <= to; at += 1) {
      visit(lane[at]);
    }
  }

  // The bar of a slot that is nearest to a time, within `margin` seconds.
  at(slot, time, margin) {
    let best = null;
    let distance = margin;
    this.visible(slot, time - margin, time + margin, (bar) => {
      const away = Math.max(bar.start - time, time - (bar.end ?? Infinity), 0);
      if (away <= distance) [best, distance] = [bar, away];
    });
    return best;
  }

  earliest() {
    return this.lanes.reduce((least, lane) => Math.min(least, lane[0]?.start ?? least), Infinity);
  }
}

// The index of the first bar that ends at `time` or later; one that runs has no end yet.
export function firstAfter(lane, time) {
  let low = 0;
  let high = lane.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lane[middle].end ?? Infinity) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
