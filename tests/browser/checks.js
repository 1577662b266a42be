// What holds for every page, whatever it shows. Each function returns a text for each thing wrong.

const visible = (e) => e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
const told = (e) => `${e.tagName.toLowerCase()}${e.id ? '#' + e.id : ''}.${e.className} `
  + `"${(e.textContent || '').trim().slice(0, 40)}"`;

function sideways() {
  // Not innerWidth: a phone zooms out until the widest thing fits.
  const {scrollWidth, clientWidth} = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const far = [...document.body.querySelectorAll('*')]
    .filter((e) => visible(e) && e.getBoundingClientRect().right > clientWidth + 1).slice(0, 5);
  return [`${scrollWidth} px wide in ${clientWidth}: ${far.map(told).join(', ')}`];
}

function unnamed() {
  const wrong = [];
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  wrong.push(...ids.filter((id, n) => ids.indexOf(id) !== n).map((id) => `id ${id} twice`));
  for (const e of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
    if (!e.labels?.length && !e.ariaLabel) wrong.push(`no label: ${told(e)}`);
  }
  for (const e of document.querySelectorAll('button, a[href], summary')) {
    if (visible(e) && !e.textContent.trim() && !e.ariaLabel) wrong.push(`no name: ${told(e)}`);
  }
  for (const e of document.querySelectorAll('img:not([alt])')) wrong.push(`no alt: ${told(e)}`);
  if (document.querySelectorAll('h1').length !== 1) wrong.push('not exactly one h1');
  if (document.querySelectorAll('main').length !== 1) wrong.push('not exactly one main');
  if (!document.title || !document.documentElement.lang) wrong.push('no title or language');
  return wrong;
}

// Contrast as WCAG 2 defines it: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
const paint = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
const known = new Map();
function rgba(colour) {
  if (!known.has(colour)) known.set(colour, painted(colour));
  return known.get(colour);
}
function painted(colour) {
  paint.clearRect(0, 0, 1, 1);
  paint.fillStyle = colour;
  paint.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
}
const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
function backdrop(e) {
  const layers = [];
  for (let at = e; at; at = at.parentElement) {
    const style = getComputedStyle(at);
    if (style.backgroundImage !== 'none') return null;
    const colour = rgba(style.backgroundColor);
    layers.push(colour);
    if (colour[3] === 1) break;
  }
  return layers.reverse().reduce((below, layer) => over(layer, below), rgba('Canvas'));
}
function luminance(colour) {
  const [r, g, b] = colour.map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function pale() {
  const wrong = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (seen.has(e) || !walker.currentNode.data.trim()) continue;
    seen.add(e);
    if (!visible(e) || e.closest('[disabled], template, .sr, .skip, option, noscript, svg')) continue;
    const style = getComputedStyle(e);
    const below = backdrop(e);
    if (!below) continue;
    const [one, two] = [luminance(over(rgba(style.color), below)), luminance(below)];
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const key = `${e.tagName} ${e.className} ${style.color}`;
    if (ratio < (large ? 3 : 4.5)) wrong.set(key, `contrast ${ratio.toFixed(2)}: ${told(e)}`);
  }
  return [...wrong.values()];
}

// A finger needs room: https://www.w3.org/TR/WCAG22/#target-size-minimum (links in text excepted)
function small() {
  const wrong = [];
  for (const e of document.querySelectorAll('button, nav a, .tabs a, .chip, .tile, select, input:not([type=hidden]), summary')) {
    if (!visible(e)) continue;
    const box = (e.closest('label') ?? e).getBoundingClientRect();
    if (box.width && (box.height < 24 || box.width < 24)) {
      wrong.push(`${Math.round(box.width)}x${Math.round(box.height)}: ${told(e)}`);
    }
  }
  return wrong.slice(0, 10);
}

function cut() {
  const wrong = [];
  for (const e of document.querySelectorAll('h1, h2, nav a, button, .badge, .stat-value, .chip')) {
    const style = getComputedStyle(e);
    if (!visible(e) || e.closest('.sr') || style.textOverflow === 'ellipsis') continue;
    if (style.overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1) wrong.push(`cut: ${told(e)}`);
  }
  return wrong;
}
