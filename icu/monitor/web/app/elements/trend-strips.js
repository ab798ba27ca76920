/** The strips of a patient, one below the other, with one time axis, one cursor and one choice of the time. */

import { charts } from "../charts/chart.js";
import { withGaps } from "../charts/columns.js";
import { stepFor } from "../charts/steps.js";
import { STRIPS } from "../charts/strips.js";
import { bounds, marked, newest } from "../charts/view.js";
import { h, setAttribute, setText, show } from "../dom.js";
import { clockTime, t } from "../text/text.js";
import { limitsOf } from "../vitals/limits.js";
import { StripToolbar } from "./strip-toolbar.js";
import { TimeAxis } from "./time-axis.js";
import { TrendStrip, valuesAt } from "./trend-strip.js";

/** @typedef {import("../charts/view.js").View} View */

/** Milliseconds that are shown at first. */
const DAY = 86_400_000;

/** Places of the cursor that a keyboard reaches: as many as a screen has pixels to tell apart. */
const PLACES = 600;

export class TrendStrips extends HTMLElement {
  /** @param {import("../live/history.js").History} history */
  constructor(history) {
    super();
    this._history = history;
    /** @type {View} */
    this._view = newest(DAY);
    /** @type {number | null} */
    this._now = null;
    /** @type {number | null} */
    this._cursor = null;
    /** @type {TrendStrip[]} */
    this._strips = [];
    this._drawn = "";
    /** @type {import("../vitals/limits.js").Conditions} */
    this._conditions = {};
    this._fresh = false;
    /** True once the past may be read. */
    this._opened = false;
    this._toolbar = new StripToolbar((change) => this._change(change(this._view, this._now ?? 0)));
    this._rows = h("div", { class: "rows" });
    this._axis = new TimeAxis();
    this._slider = h("input", { type: "range", min: "0", max: String(PLACES), value: String(PLACES) });
    this._time = h("output", { class: "time" });
    this._slider.addEventListener("input", () => this._slide());
    this._slider.addEventListener("focus", () => this._slide());
    this._slider.addEventListener("blur", () => this._leave());
  }

  async connectedCallback() {
    this.append(this._toolbar, this._rows, h("div", { class: "foot" }, this._time, this._slider, this._axis));
    const makeChart = await charts();
    const events = {
      pointed: (/** @type {number | null} */ time) => this._point(time),
      marked: (/** @type {number} */ from, /** @type {number} */ to) => this._change(marked(from, to, this._now ?? to)),
    };
    this._strips = STRIPS.map((strip) => new TrendStrip(strip, makeChart, events));
    this._rows.append(...this._strips.map((each) => each.element));
    new ResizeObserver(() => this._resized()).observe(this._rows);
  }

  /**
   * @param {number | null} now milliseconds since 1970, of the server
   * @param {import("../vitals/limits.js").Conditions} conditions limits in force
   * @param {boolean} fresh values are those of now
   */
  render(now, conditions, fresh) {
    [this._now, this._conditions, this._fresh] = [now, conditions, fresh];
    if (now === null || !this._strips.length) return;
    if (!this._step) this._change(this._view);
    this._toolbar.render(this._view, now, this._remark(now));
    this._draw(now);
  }

  /**
   * What is to be known about the past that is shown.
   *
   * @param {number} now
   */
  _remark(now) {
    const { failed, since } = this._history;
    if (failed) return t("strips.failed");
    return since === null ? "" : t("strips.deleted.before", { time: clockTime(since, now) });
  }

  /** Read what is shown, also again: events may have been missed. */
  reload() {
    this._opened = true;
    this._change(this._view);
  }

  /** Draw anew, with the colours and units of now. */
  redraw() {
    this._drawn = "";
  }

  /** @param {View} view */
  _change(view) {
    this._view = view;
    if (this._now === null || !this._width || !this._opened) return;
    const [from, to] = bounds(view, this._now);
    this._step = stepFor(view.span, this._width);
    this._history.load({ from, to: view.end === null ? null : to, span: view.span, step: this._step });
    this.render(this._now, this._conditions, this._fresh);
  }

  _resized() {
    this.redraw();
    if (this._width && this._step !== stepFor(this._view.span, this._width)) this._change(this._view);
    else if (this._now !== null) this._draw(this._now);
  }

  get _width() {
    return this._strips[0]?.place.clientWidth ?? 0;
  }

  /** @param {number} now */
  _draw(now) {
    const [from, to] = this._bounds(now);
    const limits = STRIPS.map(({ signs: [sign = "pulse"] }) => limitsOf(this._conditions, sign));
    const made = JSON.stringify([from, this._view, this._history.version, limits, this._fresh]);
    if (made === this._drawn || !this._width) return;
    this._drawn = made;
    const columns = withGaps(this._history.columns, this._history.step);
    this._strips.forEach((each, index) => {
      each.draw({ columns, from, to, limits: limits[index] ?? [null, null], grey: !this._fresh }, this._history);
    });
    this._axis.render(from, to);
    setAttribute(this._slider, "aria-label", t("strips.cursor"));
    this._point(this._cursor);
  }

  /**
   * Begin and end, moved by whole pixels: nothing less is seen.
   *
   * @param {number} now
   */
  _bounds(now) {
    const pixel = this._view.span / Math.max(1, this._width);
    return bounds(this._view, Math.ceil(now / pixel) * pixel);
  }

  _slide() {
    if (this._now === null) return;
    const [from, to] = this._bounds(this._now);
    this._point(from + ((to - from) * Number(this._slider.value)) / PLACES);
  }

  _leave() {
    this._slider.value = String(PLACES);
    this._point(null);
  }

  /** @param {number | null} time */
  _point(time) {
    this._cursor = time;
    const { columns, step } = this._history;
    for (const each of this._strips) each.point(time, columns, step);
    const clock = time === null ? "" : clockTime(time, this._now);
    setText(this._time, clock);
    show(this._time, time !== null);
    if (time === null) return;
    const said = STRIPS.map((strip) => `${t(`sign.${strip.name}`)} ${valuesAt(strip, time, columns, step)}`);
    setAttribute(this._slider, "aria-valuetext", `${clock}: ${said.join(", ")}`);
  }
}

customElements.define("icu-strips", TrendStrips);
