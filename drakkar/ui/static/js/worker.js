// Pages that show the state of the worker: dashboard, partitions, sinks.

import {bind} from './bind.js';
import {subscribe} from './socket.js';
import {setWorkerTime} from './time.js';

subscribe('worker', (frame) => {
  setWorkerTime(frame.data.now);
  bind(frame.data);
});
