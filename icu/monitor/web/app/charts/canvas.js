/** A strip on a canvas of our own, for packages that were built where npm was away. */

import { h, show } from "../dom.js";
import { FAINT, envelopeColour, lineColour, paintLimits } from "./paint.js";
import { runs } from "./runs.js";

/**
 * @typedef {import("./chart.js").Drawing} Drawing
 * @typedef {import("./columns.js").Line} Line
 * @typedef {{ x: (time: number) => number, y: (value: number) => number }} Scale pixels of CSS
 */

/** Pixels of CSS from which on a drag is one, and no click. */
const SHORTEST_MARK = 4;

export class CanvasChart {
  /**
   * @param {HTMLElement} place
   * @param {import("./strips.js").Strip} strip
   * @param {import("./chart.js").Events} events
   */
  constructor(place, strip, events) {
    this._strip = strip;
    this._events = events;
    this._canvas = h("canvas");
    this._cursor = h("span", { class: "cursor", hidden: true });
    this._mark = h("span", { class: "mark", hidden: true });
    /** @type {Drawing | undefined} */
    this._drawing = undefined;
    /** Place where a drag began. @type {number | null} */
    this._begun = null;
    place.append(this._canvas, this._cursor, this._mark);
    place.addEventListener("pointermove", (event) => this._pointed(event));
    place.addEventListener("pointerleave", () => events.pointed(null));
    place.addEventListener("pointerdown", (event) => this._begin(event));
    place.addEventListener("pointerup", (event) => this._end(event));
    place.addEventListener("pointercancel", () => this._give());
  }

  /** @param {Drawing} drawing */
  draw(drawing) {
    this._drawing = drawing;
    const { clientWidth: width, clientHeight: height } = this._canvas;
    const context = this._canvas.getContext("2d");
    if (!context || !width || !height) return;
    this._canvas.width = Math.round(width * devicePixelRatio);
    this._canvas.height = Math.round(height * devicePixelRatio);
    context.scale(devicePixelRatio, devicePixelRatio);
    const scale = this._scale(drawing, width, height);
    paintLimits(context, { left: 0, top: 0, width, height }, scale.y, drawing.limits, 1);
    this._strip.signs.forEach((sign, index) => {
      const line = drawing.columns.lines[sign];
      if (!line) return;
      context.globalAlpha = index ? FAINT : 1;
      for (const run of runs(line.mean)) this._paint(context, line, run, scale);
    });
  }

  /** @param {number | null} time */
  point(time) {
    show(this._cursor, time !== null);
    if (time === null || !this._drawing) return;
    const { from, to } = this._drawing;
    this._cursor.style.left = `${(100 * (time - from)) / (to - from)}%`;
  }

  /**
   * @param {Drawing} drawing
   * @param {number} width
   * @param {number} height
   * @returns {Scale}
   */
  _scale({ from, to, edges: [low, high] }, width, height) {
    return {
      x: (time) => (width * (time - from)) / (to - from),
      y: (value) => 1 + (height - 2) * (1 - (value - low) / (high - low)),
    };
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Line} line
   * @param {[number, number]} run begin and end of what has no gap
   * @param {Scale} scale
   */
  _paint(context, line, [begin, end], scale) {
    const times = this._drawing?.columns.times ?? [];
    const points = (/** @type {(number | null)[]} */ values) =>
      values.slice(begin, end).map((value, index) => [scale.x(times[begin + index] ?? 0), scale.y(value ?? 0)]);
    const grey = Boolean(this._drawing?.grey);
    context.fillStyle = envelopeColour(this._strip, grey);
    trace(context, [...points(line.max), ...points(line.min).reverse()]);
    context.fill();
    context.strokeStyle = lineColour(this._strip, grey);
    context.lineWidth = 1.5;
    context.lineJoin = "round";
    const means = points(line.mean);
    const [[x = 0, y = 0] = []] = means;
    // A value between two gaps is a dot.
    trace(context, means.length === 1 ? [[x - 1, y], [x + 1, y]] : means);
    context.stroke();
  }

  /** @param {PointerEvent} event */
  _pointed(event) {
    this._events.pointed(this._timeAt(event.offsetX));
    if (this._begun === null) return;
    show(this._mark, true);
    this._mark.style.left = `${Math.min(this._begun, event.offsetX)}px`;
    this._mark.style.width = `${Math.abs(this._begun - event.offsetX)}px`;
  }

  /** @param {PointerEvent} event */
  _begin(event) {
    // A finger scrolls the page.
    if (event.pointerType !== "mouse" || event.button) return;
    this._begun = event.offsetX;
    this._canvas.parentElement?.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  _end(event) {
    const [begun, from, to] = [this._begun, this._timeAt(this._begun ?? 0), this._timeAt(event.offsetX)];
    this._give();
    if (begun === null || from === null || to === null) return;
    if (Math.abs(begun - event.offsetX) >= SHORTEST_MARK) this._events.marked(from, to);
  }

  _give() {
    this._begun = null;
    show(this._mark, false);
  }

  /** @param {number} x */
  _timeAt(x) {
    if (!this._drawing) return null;
    const { from, to } = this._drawing;
    return from + ((to - from) * x) / this._canvas.clientWidth;
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number[][]} points
 */
function trace(context, points) {
  context.beginPath();
  for (const [x = 0, y = 0] of points) context.lineTo(x, y);
}
