/** One strip: its name and unit, the values at its edges, the chart, and the values at the cursor. */

import { placeAt } from "../charts/columns.js";
import { edges, isDrawn } from "../charts/strips.js";
import { h, setAttribute, setText, show } from "../dom.js";
import { t } from "../text/text.js";
import { format, unitName } from "../vitals/units.js";

/**
 * @typedef {import("../charts/strips.js").Strip} Strip
 * @typedef {import("../charts/columns.js").Columns} Columns
 * @typedef {import("../charts/chart.js").Drawing} Drawing
 */

export class TrendStrip {
  /**
   * @param {Strip} strip
   * @param {import("../charts/chart.js").MakeChart} makeChart
   * @param {import("../charts/chart.js").Events} events
   */
  constructor(strip, makeChart, events) {
    this.strip = strip;
    this._makeChart = makeChart;
    this._events = events;
    /** @type {import("../charts/chart.js").Chart | undefined} */
    this._chart = undefined;
    this._name = h("strong");
    this._unit = h("small");
    this._values = h("output", { class: "values" });
    this._high = h("span", { class: "high" });
    this._low = h("span", { class: "low" });
    this._empty = h("span", { class: "empty" });
    this._deleted = h("span", { class: "deleted", "aria-hidden": "true" });
    this.place = h("div", { class: "chart", role: "img" });
    const label = h("div", { class: "label" }, this._name, this._unit, this._values);
    const edge = h("div", { class: "edges", "aria-hidden": "true" }, this._high, this._low);
    const face = h("div", { class: "face" }, this.place, this._deleted, this._empty);
    this.element = h("div", { class: "strip", "data-strip": strip.name }, label, edge, face);
  }

  /**
   * @param {Omit<Drawing, "edges">} drawing
   * @param {{ waits: boolean, since: number | null }} history nothing is known yet; time before which all was deleted
   */
  draw(drawing, { waits, since }) {
    const { strip } = this;
    this._chart ??= this._makeChart(this.place, strip, this._events);
    const [low, high] = edges(strip, drawing.columns);
    setText(this._name, t(`sign.${strip.name}`));
    setText(this._unit, unitName(strip.name));
    setText(this._high, format(strip.name, high));
    setText(this._low, format(strip.name, low));
    const drawn = isDrawn(strip, drawing.columns);
    show(this._empty, !drawn);
    setText(this._empty, t(waits ? "strips.loading" : "strips.empty"));
    setAttribute(this.place, "aria-label", sentence(strip, drawing.columns, drawn));
    this._chart.draw({ ...drawing, edges: [low, high] });
    this._drawDeleted(drawing, since ?? drawing.from);
  }

  /**
   * @param {Omit<Drawing, "edges">} drawing
   * @param {number} since milliseconds since 1970
   */
  _drawDeleted({ from, to }, since) {
    show(this._deleted, since > from);
    setText(this._deleted, t("strips.deleted"));
    this._deleted.style.width = `${Math.min(100, (100 * (since - from)) / (to - from))}%`;
  }

  /**
   * Put the cursor at a time, and show the values there.
   *
   * @param {number | null} time
   * @param {Columns} columns
   * @param {number} step
   */
  point(time, columns, step) {
    this._chart?.point(time);
    setText(this._values, time === null ? "" : valuesAt(this.strip, time, columns, step));
  }
}

/**
 * Values of a strip at a time: "66 (60–72)", or "120/80" of two signs.
 *
 * @param {Strip} strip
 * @param {number} time
 * @param {Columns} columns
 * @param {number} step
 */
export function valuesAt({ name, signs }, time, { times, lines }, step) {
  const place = placeAt({ times, lines }, time, step);
  const at = (/** @type {import("../charts/columns.js").Line | undefined} */ line, /** @type {"min" | "mean" | "max"} */ part) =>
    format(name, place === undefined ? null : line?.[part][place]);
  const values = signs.map((sign) => at(lines[sign], "mean"));
  const [least, most] = [at(lines[signs[0] ?? "pulse"], "min"), at(lines[signs[0] ?? "pulse"], "max")];
  return signs.length > 1 || least === most ? values.join("/") : `${values[0]} (${least}–${most})`;
}

/**
 * @param {Strip} strip
 * @param {Columns} columns
 * @param {boolean} drawn
 */
function sentence({ name, signs }, { lines }, drawn) {
  const sign = t(`sign.${name}.long`);
  if (!drawn) return `${sign}: ${t("strips.empty")}`;
  const ranges = signs.map((each) => {
    const [min, max] = [lines[each]?.min ?? [], lines[each]?.max ?? []].map((values) => values.filter((value) => value !== null));
    return t("strips.between", {
      sign: signs.length > 1 ? t(`sign.${each}.long`) : sign,
      low: format(name, (min ?? []).reduce((one, other) => Math.min(one, other), Infinity)),
      high: format(name, (max ?? []).reduce((one, other) => Math.max(one, other), -Infinity)),
    });
  });
  return ranges.join("; ");
}
