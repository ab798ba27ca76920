/** The time that the strips show. It follows the newest values, or stands where a person has looked closer. */

/**
 * @typedef {object} View
 * @property {number} span milliseconds that are shown
 * @property {number | null} end milliseconds since 1970; null follows the newest values
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Spans to choose from, milliseconds. */
export const RANGES = [HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY, 365 * DAY];

const SHORTEST = 2 * MINUTE;
const LONGEST = 365 * DAY;

/**
 * Begin and end, milliseconds since 1970.
 *
 * @param {View} view
 * @param {number} now
 * @returns {[number, number]}
 */
export function bounds(view, now) {
  const end = view.end ?? now;
  return [end - view.span, end];
}

/**
 * The newest values of a span.
 *
 * @param {number} span
 * @returns {View}
 */
export const newest = (span) => ({ span, end: null });

/**
 * What a drag has marked, in either direction; a mark that is too short is made wider around its middle.
 *
 * @param {number} one milliseconds since 1970
 * @param {number} other
 * @param {number} now
 * @returns {View}
 */
export function marked(one, other, now) {
  const span = clamp(Math.abs(one - other), SHORTEST, LONGEST);
  return standing(span, (one + other) / 2 + span / 2, now);
}

/**
 * Half or twice the span. A view that follows goes on following, another one keeps its middle.
 *
 * @param {View} view
 * @param {number} factor below 1 looks closer
 * @param {number} now
 * @returns {View}
 */
export function zoomed(view, factor, now) {
  const span = clamp(view.span * factor, SHORTEST, LONGEST);
  if (view.end === null) return newest(span);
  return standing(span, view.end - view.span / 2 + span / 2, now);
}

/**
 * Earlier or later by a part of the span. What reaches the newest values follows them.
 *
 * @param {View} view
 * @param {number} part below 0 is earlier
 * @param {number} now
 * @returns {View}
 */
export const moved = (view, part, now) => standing(view.span, (view.end ?? now) + part * view.span, now);

/**
 * @param {number} span
 * @param {number} end
 * @param {number} now
 * @returns {View}
 */
function standing(span, end, now) {
  return { span, end: end >= now ? null : end };
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
