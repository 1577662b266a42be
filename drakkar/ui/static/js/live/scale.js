// From time to pixels and back. Pure: times in seconds, lengths in CSS pixels.

export const MIN_SPAN = 0.05;
export const MAX_SPAN = 24 * 3600;
const MIN_TICK_PIXELS = 84;
const STEPS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30,
  60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600,
];

export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

export class Scale {
  constructor(start, span, width) {
    this.start = start;
    this.span = span;
    this.width = width;
  }

  get end() {
    return this.start + this.span;
  }

  x(time) {
    return ((time - this.start) / this.span) * this.width;
  }

  time(x) {
    return this.start + (x / this.width) * this.span;
  }

  // The same time stays at `x`; a factor below 1 shows more detail.
  zoomed(factor, x) {
    const span = clamp(this.span * factor, MIN_SPAN, MAX_SPAN);
    return new Scale(this.time(x) - (x / this.width) * span, span, this.width);
  }

  moved(pixels) {
    return new Scale(this.start + (pixels / this.width) * this.span, this.span, this.width);
  }
}

export function tickStep(span, width) {
  const wanted = (span * MIN_TICK_PIXELS) / Math.max(width, 1);
  return STEPS.find((step) => step >= wanted) ?? STEPS[STEPS.length - 1];
}

// Round times in the view, at least MIN_TICK_PIXELS apart. Multiples are counted, not added up:
// seconds since the epoch leave few digits for milliseconds.
export function ticks(scale) {
  const step = tickStep(scale.span, scale.width);
  const first = Math.ceil(scale.start / step);
  const last = Math.floor(scale.end / step);
  const found = [];
  for (let n = first; n <= last; n += 1) found.push(n * step);
  return { step, times: found };
}

export function clock(time, step = 1) {
  const date = new Date(Math.round(time * 1000));
  const two = (number) => String(number).padStart(2, '0');
  const text = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (step >= 60) return text;
  const seconds = `${text}:${two(date.getSeconds())}`;
  return step >= 1 ? seconds : `${seconds}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
