/** The pointer on a chart: its time, and the time that a drag marks, by mouse, pen or finger. */

import { h, show } from "../dom.js";

/** Pixels of CSS from which on a drag is one, and no click. */
const SHORTEST_MARK = 4;

export class ChartPointer {
  /**
   * @param {HTMLElement} place of the chart, as wide as its times. Its `touch-action` leaves drags sideways to the page.
   * @param {import("./chart.js").Events} events
   * @param {() => [number, number] | undefined} times begin and end that are shown; none before the first drawing
   */
  constructor(place, events, times) {
    this._place = place;
    this._events = events;
    this._times = times;
    this._mark = h("span", { class: "mark", hidden: true });
    /** Place where a drag began. @type {number | null} */
    this._begun = null;
    place.append(this._mark);
    place.addEventListener("pointerdown", (event) => this._begin(event));
    place.addEventListener("pointermove", (event) => this._move(event));
    place.addEventListener("pointerup", (event) => this._end(event));
    place.addEventListener("pointercancel", () => this._give());
    place.addEventListener("pointerleave", (event) => this._leave(event));
  }

  /** @param {PointerEvent} event */
  _begin(event) {
    // A second finger makes the page larger.
    if (event.button || !event.isPrimary) return this._give();
    this._begun = this._left(event);
    this._place.setPointerCapture(event.pointerId);
    this._events.pointed(this._timeAt(this._begun));
  }

  /** @param {PointerEvent} event */
  _move(event) {
    const left = this._left(event);
    this._events.pointed(this._timeAt(left));
    if (this._begun === null) return;
    show(this._mark, true);
    this._mark.style.left = `${Math.min(this._begun, left)}px`;
    this._mark.style.width = `${Math.abs(this._begun - left)}px`;
  }

  /** @param {PointerEvent} event */
  _end(event) {
    const [begun, left] = [this._begun, this._left(event)];
    this._give();
    if (begun === null || Math.abs(begun - left) < SHORTEST_MARK) return;
    const [from, to] = [this._timeAt(begun), this._timeAt(left)];
    if (from !== null && to !== null) this._events.marked(from, to);
  }

  _give() {
    this._begun = null;
    show(this._mark, false);
  }

  /** @param {PointerEvent} event */
  _leave(event) {
    // A finger that is lifted has left, too: the values that it pointed to stay to be read.
    if (event.pointerType === "mouse") this._events.pointed(null);
  }

  /** @param {PointerEvent} event */
  _left(event) {
    const { left, width } = this._place.getBoundingClientRect();
    return Math.min(Math.max(event.clientX - left, 0), width);
  }

  /** @param {number} left */
  _timeAt(left) {
    const times = this._times();
    return times ? times[0] + ((times[1] - times[0]) * left) / this._place.clientWidth : null;
  }
}
