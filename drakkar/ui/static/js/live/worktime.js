// The worker's clock, which need not be the browser's.

import {setWorkerTime} from '../time.js';

export class WorkerTime {
  constructor() {
    this.ahead = null; // seconds
    this.last = Date.now() / 1000;
  }

  // A frame said what time it is. It was longer under way or shorter: the shortest way counts,
  // and slowly less, for clocks drift.
  tell(now) {
    const ahead = now - Date.now() / 1000;
    const known = this.ahead;
    const close = known !== null && Math.abs(ahead - known) < 5;
    this.ahead = close ? Math.max(ahead, known - (known - ahead) * 0.02) : ahead;
    this.last = now;
    setWorkerTime(this.last);
  }

  // Without a connection nobody knows what goes on: time stands still.
  get stopped() {
    return document.body.dataset.connection === 'gone';
  }

  now() {
    return this.stopped ? this.last : Date.now() / 1000 + (this.ahead ?? 0);
  }
}
