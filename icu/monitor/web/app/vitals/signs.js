/** The signs as the pages show them. Names are those of `GET /signs`. */

/**
 * @typedef {"pulse" | "spo2" | "systolic" | "diastolic" | "map" | "resp_rate" | "temperature"} SignName
 * @typedef {"bp" | "pulse" | "spo2" | "resp_rate" | "temperature"} Place place of a number on a tile
 * @typedef {import("../api.js").Reading} Reading
 */

/** Places of a tile, in the order of reading. @type {readonly Place[]} */
export const PLACES = ["pulse", "spo2", "bp", "resp_rate", "temperature"];

/** Place of each sign. @type {Record<SignName, Place>} */
export const PLACE_OF = {
  pulse: "pulse",
  spo2: "spo2",
  systolic: "bp",
  diastolic: "bp",
  map: "bp",
  resp_rate: "resp_rate",
  temperature: "temperature",
};

/** Signs of each place: a pressure has three. @type {Record<Place, SignName[]>} */
export const SIGNS_AT = {
  pulse: ["pulse"],
  spo2: ["spo2"],
  bp: ["systolic", "diastolic", "map"],
  resp_rate: ["resp_rate"],
  temperature: ["temperature"],
};

/** Signs of conditions that are not named after theirs. @type {Record<string, SignName>} */
const OTHER = { asystole: "pulse", apnoea: "resp_rate", bp: "systolic" };

/**
 * Sign of an alarm's condition; undefined for one that is about no sign.
 *
 * @param {string} condition
 * @returns {SignName | undefined}
 */
export function signOf(condition) {
  const name = condition.split(".")[0] ?? "";
  return OTHER[name] ?? (name in PLACE_OF ? /** @type {SignName} */ (name) : undefined);
}

/**
 * Halves of a pressure such as "120/80", of which one may be a dash.
 *
 * @param {string | null | undefined} bp
 * @returns {[number | null, number | null]}
 */
export function halves(bp) {
  const parts = (bp ?? "").split("/");
  return [half(parts[0]), half(parts[1])];
}

/**
 * Value of a sign; null where it was not measured.
 *
 * @param {Reading} reading
 * @param {SignName} sign
 * @returns {number | null}
 */
export function valueOf(reading, sign) {
  if (sign === "systolic") return halves(reading.bp)[0];
  if (sign === "diastolic") return halves(reading.bp)[1];
  return reading[sign] ?? null;
}

/** @param {string | undefined} text */
function half(text) {
  return text === undefined || text === "" || text === "-" ? null : Number(text);
}
