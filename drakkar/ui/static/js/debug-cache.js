// The tab Cache: keeps what is counted fresh; entries stay as they were looked for.

import {bind} from './bind.js';
import {$, api} from './dom.js';

const EVERY_MS = 3000;

async function run() {
  if (!document.hidden) {
    const stats = await api('/api/cache').catch(() => null); // the banner tells when the worker is gone
    if (stats) bind(stats, $('#tab-cache'));
  }
  setTimeout(run, EVERY_MS);
}

if ($('#cache-stats')) setTimeout(run, EVERY_MS);
