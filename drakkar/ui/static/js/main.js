// What every page has.

import {start as startNavigation} from './nav.js';
import {start as startTables} from './tables.js';
import {start as startTimes} from './time.js';

startTimes();
startTables();
startNavigation();
