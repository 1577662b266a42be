// What is told of the bar under the pointer.

import {h, setText} from '../dom.js';
import {duration, plain} from '../format.js';
import {title} from './paint.js';
import {clock} from './scale.js';
import {badge} from './tables.js';

const AWAY = 14; // pixels from the pointer

export class Tip {
  constructor(element, time) {
    this.element = element;
    this.time = time;
    this.bar = null;
  }

  show(bar, x, y) {
    if (!bar) {
      this.element.hidden = true;
      this.bar = null;
      return;
    }
    if (this.bar !== bar || this.revision !== bar.revision) {
      this.bar = bar;
      this.revision = bar.revision;
      this.element.replaceChildren(h('p', {}, h('b', {}, plain(title(bar))), ' ', badge(bar)), this.#facts(bar));
      this.element.hidden = false;
    }
    this.refresh();
    this.#place(x, y);
  }

  // A task that runs gets older while one looks at it.
  refresh() {
    if (!this.bar) return;
    const {start, end} = this.bar;
    setText(this.element.querySelector('[data-age]'), duration((end ?? Math.max(this.time.now(), start)) - start));
  }

  #facts(bar) {
    const facts = [
      ['duration', ''],
      ['started', clock(bar.start, 0.001)],
      [bar.http ? 'request' : 'message', bar.name],
      ...Object.entries(bar.labels),
      ['slot', String(bar.slot)],
      ['pid', bar.pid === null ? '–' : String(bar.pid)],
      bar.attempt > 1 ? ['attempt', String(bar.attempt)] : null,
      bar.exit_code ? ['exit code', String(bar.exit_code)] : null,
      bar.error ? ['error', bar.error] : null,
      bar.command ? ['arguments', bar.command] : null,
      ['task', bar.task_id],
    ].filter(Boolean);
    return h('dl', {}, ...facts.flatMap(([name, value]) => [
      h('dt', {}, plain(name)),
      h('dd', name === 'duration' ? {'data-age': true} : {}, plain(value)),
    ]));
  }

  // Beside the pointer, on the side where there is room; `x` and `y` are those of the window.
  #place(x, y) {
    const {offsetWidth: width, offsetHeight: height, offsetParent: parent} = this.element;
    const frame = parent.getBoundingClientRect();
    const left = x + AWAY + width < frame.right ? x + AWAY : Math.max(x - AWAY - width, frame.left);
    const top = y + AWAY + height < innerHeight ? y + AWAY : Math.max(y - AWAY - height, 4);
    this.element.style.transform =
      `translate(${Math.round(left - frame.left)}px, ${Math.round(top - frame.top)}px)`;
  }
}
