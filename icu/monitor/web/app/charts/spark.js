/** Lines of the last hour on a tile: four rows, gaps stay gaps, the limits as a band behind. */

import { colour } from "../theme.js";

/** @typedef {import("../vitals/signs.js").SignName} SignName */

/** Rows from the top: their signs, and the values at the lower and upper edge, in the API's units. */
const ROWS = /** @type {const} */ ([
  { signs: ["pulse"], low: 30, high: 170 },
  { signs: ["spo2"], low: 80, high: 101 },
  { signs: ["systolic", "diastolic"], low: 30, high: 200 },
  { signs: ["resp_rate"], low: 0, high: 45 },
]);

/**
 * Draw the lines.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Map<SignName, import("../live/trend.js").Trend>} trends
 * @param {(sign: SignName) => [number | null, number | null]} limitsOf lower and upper limit
 * @param {number} now milliseconds since 1970, of the server
 * @param {boolean} grey values that are no longer fresh
 */
export function drawLines(canvas, trends, limitsOf, now, grey) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = canvas.getContext("2d");
  if (!context || !width || !height) return;
  const ratio = devicePixelRatio;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.scale(ratio, ratio);
  context.lineWidth = 1.25;
  context.lineJoin = "round";
  ROWS.forEach((row, index) => {
    const top = (height * index) / ROWS.length;
    const y = scaleOf(row, top + 2, height / ROWS.length - 4);
    const [low, high] = limitsOf(row.signs[0]);
    context.fillStyle = colour("band");
    const upper = y(high ?? row.high);
    context.fillRect(0, upper, width, y(low ?? row.low) - upper);
    for (const sign of row.signs) {
      context.strokeStyle = colour(grey ? "grey" : sign === "systolic" || sign === "diastolic" ? "bp" : sign);
      context.globalAlpha = sign === "diastolic" ? 0.6 : 1;
      stroke(context, trends.get(sign)?.means(now) ?? [], width, y);
    }
    context.globalAlpha = 1;
  });
}

/**
 * @param {{ low: number, high: number }} row
 * @param {number} top
 * @param {number} height
 */
function scaleOf({ low, high }, top, height) {
  return (/** @type {number} */ value) => {
    const inside = Math.min(Math.max(value, low), high);
    return top + height * (1 - (inside - low) / (high - low));
  };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {(number | null)[]} means
 * @param {number} width
 * @param {(value: number) => number} y
 */
function stroke(context, means, width, y) {
  context.beginPath();
  let open = false;
  means.forEach((mean, index) => {
    if (mean === null) {
      open = false;
      return;
    }
    const x = (width * (index + 0.5)) / means.length;
    if (open) context.lineTo(x, y(mean));
    else context.moveTo(x, y(mean));
    // A single value between two gaps is a dot of its own.
    if (!open) context.lineTo(x + 1, y(mean));
    open = true;
  });
  context.stroke();
}
