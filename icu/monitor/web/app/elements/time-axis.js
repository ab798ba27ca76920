/** The time axis that all strips share. */

import { edgeOf, isDay, marks } from "../charts/axis.js";
import { h } from "../dom.js";
import { shortDay, shortTime } from "../text/text.js";

/** Milliseconds between marks that are nearer than which they have seconds. */
const MINUTE = 60_000;

export class TimeAxis extends HTMLElement {
  constructor() {
    super();
    this.setAttribute("aria-hidden", "true");
    this._made = "";
  }

  /**
   * @param {number} from milliseconds since 1970
   * @param {number} to
   */
  render(from, to) {
    const times = marks(from, to, this.clientWidth);
    const made = JSON.stringify([from, to, this.clientWidth, document.documentElement.lang]);
    if (made === this._made) return;
    this._made = made;
    const [first = 0, second = Infinity] = times;
    const texts = (/** @type {number} */ time) =>
      isDay(time, second - first) ? shortDay(time) : shortTime(time, second - first < MINUTE);
    this.replaceChildren(...times.map((time) => mark(texts(time), (time - from) / (to - from), this.clientWidth)));
  }
}

customElements.define("icu-axis", TimeAxis);

/**
 * @param {string} text
 * @param {number} share of the width
 * @param {number} width pixels of CSS
 */
function mark(text, share, width) {
  const made = h("span", {}, text);
  made.style.left = `${100 * share}%`;
  made.dataset.edge = edgeOf(share, width);
  return made;
}
