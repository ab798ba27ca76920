/** Charts of the strips: by uPlot, or on a canvas of our own where that was not there when the package was built. */

import { CHARTS } from "../page.js";

/**
 * @typedef {object} Drawing
 * @property {import("./columns.js").Columns} columns with a bucket of nulls in each gap
 * @property {number} from milliseconds since 1970
 * @property {number} to
 * @property {[number, number]} edges values at the lower and the upper edge
 * @property {[number | null, number | null]} limits lower and upper limit; null where the alarm is off
 * @property {boolean} grey values that are no longer fresh
 *
 * @typedef {object} Chart
 * @property {(drawing: Drawing) => void} draw
 * @property {(time: number | null) => void} point put the cursor at a time, or take it away
 *
 * @typedef {object} Events
 * @property {(time: number | null) => void} pointed time under the pointer, null after it has left
 * @property {(from: number, to: number) => void} marked the pointer was dragged from one time to another
 *
 * @typedef {(place: HTMLElement, strip: import("./strips.js").Strip, events: Events) => Chart} MakeChart
 */

/**
 * Load the library.
 *
 * @returns {Promise<MakeChart>}
 */
export async function charts() {
  if (CHARTS === "uplot") {
    try {
      const { UplotChart } = await import("./uplot.js");
      return (...given) => new UplotChart(...given);
    } catch (error) {
      console.warn("uPlot could not be loaded:", error);
    }
  }
  const { CanvasChart } = await import("./canvas.js");
  return (...given) => new CanvasChart(...given);
}
