/** Colours of the lines, and the limits behind them: the same in all charts. */

import { colour } from "../theme.js";

/** Opacity of the lines behind the first one: diastolic behind systolic. */
export const FAINT = 0.6;

/** Opacity of the envelope from the least to the greatest value, as two hexadecimal digits. */
const ENVELOPE = "59";

/**
 * @param {import("./strips.js").Strip} strip
 * @param {boolean} grey
 */
export const lineColour = ({ name }, grey) => colour(grey ? "grey" : name === "map" ? "bp" : name);

/**
 * @param {import("./strips.js").Strip} strip
 * @param {boolean} grey
 */
export const envelopeColour = (strip, grey) => lineColour(strip, grey) + ENVELOPE;

/**
 * Paint the band between the limits, and a dashed line at each.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {{ left: number, top: number, width: number, height: number }} box pixels of the canvas
 * @param {(value: number) => number} y
 * @param {[number | null, number | null]} limits
 * @param {number} ratio pixels of the canvas in one of CSS
 */
export function paintLimits(context, box, y, [low, high], ratio) {
  const bottom = box.top + box.height;
  const inside = (/** @type {number} */ place) => Math.min(Math.max(place, box.top), bottom);
  const [upper, lower] = [high === null ? box.top : inside(y(high)), low === null ? bottom : inside(y(low))];
  if (low === null && high === null) return;
  context.save();
  context.fillStyle = colour("band");
  context.fillRect(box.left, upper, box.width, lower - upper);
  context.strokeStyle = colour("grey");
  context.lineWidth = ratio;
  context.setLineDash([4 * ratio, 4 * ratio]);
  for (const limit of [low, high]) {
    if (limit === null || y(limit) < box.top || y(limit) > bottom) continue;
    context.beginPath();
    context.moveTo(box.left, y(limit));
    context.lineTo(box.left + box.width, y(limit));
    context.stroke();
  }
  context.restore();
}
