/** A strip that uPlot draws. */

import uPlot from "../../vendor/uPlot.esm.js";
import { h } from "../dom.js";
import { FAINT, envelopeColour, lineColour, paintLimits } from "./paint.js";
import { ChartPointer } from "./pointer.js";

/**
 * @typedef {import("./chart.js").Drawing} Drawing
 * @typedef {import("./strips.js").Strip} Strip
 */

/** Lines of a sign: two edges of the envelope, and the mean. */
const LINES = /** @type {const} */ (["max", "min", "mean"]);

const ignore = () => null;

/** No listeners of uPlot's own: fingers drag, too, and it knows the mouse alone. */
const DEAF = { mousedown: ignore, mouseup: ignore, click: ignore, dblclick: ignore, mousemove: ignore, mouseleave: ignore, mouseenter: ignore };

document.head.append(h("link", { rel: "stylesheet", href: new URL("../../vendor/uPlot.min.css", import.meta.url).href }));

export class UplotChart {
  /**
   * @param {HTMLElement} place
   * @param {Strip} strip
   * @param {import("./chart.js").Events} events
   */
  constructor(place, strip, events) {
    this._place = place;
    this._strip = strip;
    /** @type {Drawing | undefined} */
    this._drawing = undefined;
    this._plot = new uPlot(this._options(), [[]], place);
    new ChartPointer(place, events, () => this._drawing && [this._drawing.from, this._drawing.to]);
  }

  /** @param {Drawing} drawing */
  draw(drawing) {
    this._drawing = drawing;
    const { clientWidth: width, clientHeight: height } = this._place;
    if (!width || !height) return;
    const { columns, from, to, edges } = drawing;
    const empty = columns.times.map(() => null);
    const lines = this._strip.signs.flatMap((sign) => LINES.map((part) => columns.lines[sign]?.[part] ?? empty));
    this._plot.batch(() => {
      if (this._plot.width !== width || this._plot.height !== height) this._plot.setSize({ width, height });
      this._plot.setData([columns.times, ...lines], false);
      this._plot.setScale("x", { min: from, max: to });
      this._plot.setScale("y", { min: edges[0], max: edges[1] });
    });
  }

  /** @param {number | null} time */
  point(time) {
    const left = time === null ? -10 : this._plot.valToPos(time, "x");
    this._plot.setCursor({ left, top: time === null ? -10 : 0 }, false);
  }

  /** @returns {uPlot.Options} */
  _options() {
    return {
      width: this._place.clientWidth || 300,
      height: this._place.clientHeight || 60,
      padding: [1, 0, 1, 0],
      legend: { show: false },
      axes: [{ show: false }, { show: false }],
      scales: { x: { time: false, auto: false }, y: { auto: false } },
      series: [{}, ...this._strip.signs.flatMap((_, index) => this._series(index))],
      bands: this._strip.signs.map((_, index) => this._band(index * LINES.length + 1)),
      // It is put where the page says, and listens to nothing by itself.
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false }, bind: DEAF },
      hooks: { drawClear: [(plot) => this._paintLimits(plot)] },
    };
  }

  /**
   * @param {number} index of the sign
   * @returns {uPlot.Series[]}
   */
  _series(index) {
    const stroke = () => lineColour(this._strip, Boolean(this._drawing?.grey));
    return LINES.map((part) => ({
      stroke: part === "mean" ? stroke : "transparent",
      width: part === "mean" ? 1.5 : 0,
      alpha: index ? FAINT : 1,
      points: { show: part === "mean", size: 3, fill: stroke, filter: lonely },
    }));
  }

  /**
   * @param {number} first
   * @returns {uPlot.Band}
   */
  _band(first) {
    return { series: [first, first + 1], fill: () => envelopeColour(this._strip, Boolean(this._drawing?.grey)) };
  }

  /** @param {uPlot} plot */
  _paintLimits(plot) {
    if (!this._drawing) return;
    const y = (/** @type {number} */ value) => plot.valToPos(value, "y", true);
    paintLimits(plot.ctx, plot.bbox, y, this._drawing.limits, devicePixelRatio);
  }
}

/**
 * Places of values between two gaps, which no line shows.
 *
 * @param {uPlot} plot
 * @param {number} series
 * @returns {number[]}
 */
function lonely(plot, series) {
  const values = plot.data[series] ?? [];
  return [...values.keys()].filter(
    (place) => values[place] != null && values[place - 1] == null && values[place + 1] == null,
  );
}
