// How values are shown; drakkar/ui/formats.py shows them the same way.

const NOTHING = '–';
const whole = new Intl.NumberFormat('en-US', {maximumFractionDigits: 0});

export function integer(value) {
  return value === null || value === undefined ? NOTHING : whole.format(value);
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NOTHING;
  if (seconds < 0.0009995) return `${(seconds * 1e6).toFixed(0)} µs`;
  if (seconds < 0.99995) return `${(seconds * 1e3).toFixed(1)} ms`;
  if (seconds < 60) return `${seconds.toFixed(2)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function bytes(count) {
  if (count === null || count === undefined) return NOTHING;
  let number = count;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (number < 1024) return unit === 'B' ? `${number} B` : `${number.toFixed(1)} ${unit}`;
    number /= 1024;
  }
  return `${number.toFixed(1)} TiB`;
}

export function percent(value) {
  return value === null || value === undefined ? NOTHING : `${Math.round(value * 100)} %`;
}

// Sequences of terminals say nothing on a page, and those that turn the writing around lie.
const ANSI = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

export function plain(text) {
  return text === null || text === undefined ? '' : String(text).replace(ANSI, '');
}

const formats = {integer, duration, bytes, percent, plain};

export function format(name, value) {
  return (formats[name] ?? plain)(value);
}
