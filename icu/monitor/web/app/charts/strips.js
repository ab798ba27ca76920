/** The six strips: their signs, and the values that each shows at least. */

/**
 * @typedef {import("../vitals/signs.js").SignName} SignName
 * @typedef {import("./columns.js").Columns} Columns
 * @typedef {object} Strip
 * @property {"pulse" | "spo2" | "bp" | "map" | "resp_rate" | "temperature"} name
 * @property {SignName[]} signs the first one has the limits; the others are fainter
 * @property {number} low lower edge in the API's unit, unless values are below it
 * @property {number} high
 * @property {number} round the edges are whole multiples of this
 */

/** From the top. @type {Strip[]} */
export const STRIPS = [
  { name: "pulse", signs: ["pulse"], low: 30, high: 160, round: 10 },
  { name: "spo2", signs: ["spo2"], low: 80, high: 100, round: 5 },
  { name: "bp", signs: ["systolic", "diastolic"], low: 30, high: 200, round: 10 },
  { name: "map", signs: ["map"], low: 30, high: 130, round: 10 },
  { name: "resp_rate", signs: ["resp_rate"], low: 0, high: 40, round: 5 },
  { name: "temperature", signs: ["temperature"], low: 35, high: 41, round: 1 },
];

/**
 * Values at the lower and the upper edge: wide enough for all that was measured.
 *
 * @param {Strip} strip
 * @param {Columns} columns
 * @returns {[number, number]} in the API's unit
 */
export function edges({ signs, low, high, round }, { lines }) {
  let [lowest, highest] = [low, high];
  for (const sign of signs) {
    for (const value of lines[sign]?.min ?? []) if (value !== null && value < lowest) lowest = value;
    for (const value of lines[sign]?.max ?? []) if (value !== null && value > highest) highest = value;
  }
  return [Math.floor(lowest / round) * round, Math.ceil(highest / round) * round];
}

/**
 * True if a strip has anything to draw.
 *
 * @param {Strip} strip
 * @param {Columns} columns
 */
export const isDrawn = ({ signs }, { lines }) => signs.some((sign) => lines[sign]?.mean.some((value) => value !== null));
