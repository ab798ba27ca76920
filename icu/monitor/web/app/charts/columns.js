/** Buckets of a patient's signs, decoded from `GET /patient/{uuid}/metrics?every=…&format=columns`. */

/**
 * @typedef {import("../vitals/signs.js").SignName} SignName
 * @typedef {"min" | "mean" | "max"} Part
 * @typedef {Record<Part, (number | null)[]>} Line values in the API's unit; null where nothing was measured
 * @typedef {object} Columns
 * @property {number[]} times begins of the buckets, milliseconds since 1970, rising
 * @property {Partial<Record<SignName, Line>>} lines by sign; without those that were never measured
 * @typedef {object} Answer as the API gives it: whole numbers, and what to divide them by
 * @property {number} [t0]
 * @property {number} [step] both only where the buckets are evenly spaced
 * @property {number[]} [times]
 * @property {Record<string, number>} scale
 * @property {Record<string, Record<Part, (number | null)[]>>} columns
 */

/** @type {Part[]} */
const PARTS = ["min", "mean", "max"];

/** Milliseconds without a reading that are a gap for any sender: the API calls none stale before. */
const SHORTEST_GAP = 15_000;

/**
 * Begins of buckets: an answer names each where some are missing, and else the first alone, and their step.
 *
 * @param {{ times?: number[], t0?: number, step?: number }} axis
 * @param {number} count of the buckets
 * @returns {number[]}
 */
export function timesOf({ times, t0 = 0, step = 0 }, count) {
  return times ?? Array.from({ length: count }, (_, index) => t0 + index * step);
}

/** @returns {Columns} */
export const nothing = () => ({ times: [], lines: {} });

/**
 * Decode an answer.
 *
 * @param {Answer} answer
 * @returns {Columns}
 */
export function decode({ scale, columns, ...axis }) {
  const count = Object.values(columns)[0]?.mean.length ?? 0;
  const lines = Object.entries(columns).map(([sign, column]) => [sign, scaled(column, scale[sign] ?? 1)]);
  return {
    times: timesOf(axis, count),
    lines: Object.fromEntries(lines),
  };
}

/**
 * Columns whose newer part comes from another answer.
 *
 * @param {Columns} old
 * @param {Columns} tail buckets from a time on: those of `old` from then on are gone
 * @param {number} from that time
 * @param {number} since time before which nothing is kept
 * @returns {Columns}
 */
export function joined(old, tail, from, since) {
  const first = old.times.findIndex((time) => time >= since);
  const kept = first < 0 ? [0, 0] : [first, old.times.filter((time) => time < from).length];
  const signs = /** @type {SignName[]} */ ([...new Set([...Object.keys(old.lines), ...Object.keys(tail.lines)])]);
  return {
    times: [...old.times.slice(...kept), ...tail.times],
    lines: Object.fromEntries(signs.map((sign) => [sign, joinedLine(old, tail, sign, kept)])),
  };
}

/**
 * The same with a bucket of nulls in each gap, so that no line is drawn across it.
 *
 * @param {Columns} columns
 * @param {number} step milliseconds of a bucket
 * @returns {Columns}
 */
export function withGaps(columns, step) {
  const { times } = columns;
  const gap = longest(times, step);
  const ends = new Set(times.flatMap((time, index) => (time - (times[index - 1] ?? time) > gap ? [index] : [])));
  if (!ends.size) return columns;
  const cut = (/** @type {any[]} */ items, /** @type {(index: number) => any} */ filler) =>
    items.flatMap((item, index) => (ends.has(index) ? [filler(index), item] : [item]));
  const lines = Object.entries(columns.lines).map(([sign, line]) => [sign, each((part) => cut(line[part], () => null))]);
  return { times: cut(times, (index) => (times[index - 1] ?? 0) + step), lines: Object.fromEntries(lines) };
}

/**
 * Place of the bucket that a time is in; undefined where there is none.
 *
 * @param {Columns} columns
 * @param {number} time
 * @param {number} step
 */
export function placeAt({ times }, time, step) {
  const place = times.findLastIndex((begin) => begin <= time);
  const begin = times[place];
  return begin !== undefined && time - begin < longest(times, step) ? place : undefined;
}

/**
 * Longest distance of two buckets that is no gap. A sender may be slower than the buckets are short.
 *
 * @param {number[]} times
 * @param {number} step
 */
function longest(times, step) {
  const distances = times.slice(1).map((time, index) => time - (times[index] ?? time));
  const usual = distances.sort((one, other) => one - other)[distances.length >> 1] ?? step;
  return Math.max(usual > step ? 3 * usual : 1.5 * step, SHORTEST_GAP);
}

/**
 * @param {Record<Part, (number | null)[]>} column
 * @param {number} scale
 */
function scaled(column, scale) {
  return each((part) => column[part].map((value) => (value === null ? null : value / scale)));
}

/**
 * @param {Columns} old
 * @param {Columns} tail
 * @param {SignName} sign
 * @param {number[]} kept begin and end of what stays of the old one
 * @returns {Line}
 */
function joinedLine(old, tail, sign, kept) {
  const of = (/** @type {Columns} */ { lines, times }, /** @type {Part} */ part) =>
    lines[sign]?.[part] ?? times.map(() => null);
  return each((part) => [...of(old, part).slice(...kept), ...of(tail, part)]);
}

/**
 * @param {(part: Part) => (number | null)[]} make
 * @returns {Line}
 */
function each(make) {
  const [min, mean, max] = PARTS.map(make);
  return { min: min ?? [], mean: mean ?? [], max: max ?? [] };
}
