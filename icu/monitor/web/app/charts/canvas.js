/** A strip on a canvas of our own, for packages that were built where npm was away. */

import { h, show } from "../dom.js";
import { FAINT, envelopeColour, lineColour, paintLimits } from "./paint.js";
import { ChartPointer } from "./pointer.js";
import { runs } from "./runs.js";

/**
 * @typedef {import("./chart.js").Drawing} Drawing
 * @typedef {import("./columns.js").Line} Line
 * @typedef {{ x: (time: number) => number, y: (value: number) => number }} Scale pixels of CSS
 */

export class CanvasChart {
  /**
   * @param {HTMLElement} place
   * @param {import("./strips.js").Strip} strip
   * @param {import("./chart.js").Events} events
   */
  constructor(place, strip, events) {
    this._strip = strip;
    this._canvas = h("canvas");
    this._cursor = h("span", { class: "cursor", hidden: true });
    /** @type {Drawing | undefined} */
    this._drawing = undefined;
    place.append(this._canvas, this._cursor);
    new ChartPointer(place, events, () => this._drawing && [this._drawing.from, this._drawing.to]);
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
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number[][]} points
 */
function trace(context, points) {
  context.beginPath();
  for (const [x = 0, y = 0] of points) context.lineTo(x, y);
}
