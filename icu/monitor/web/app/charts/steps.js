/** Lengths of the buckets that the strips are drawn from: about one for a pixel. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Milliseconds. Each is a whole multiple of those that go into it, so that times on the axis are round. */
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12, 24].map((count) => count * HOUR),
];

/** Pixels from which on more buckets show nothing more: a day in minutes keeps to 150 KB over the wire. */
const MOST = 1440;

/** Share of the pixels by which the buckets may be more: a day on 1350 pixels is drawn in minutes, too. */
const SLACK = 1.1;

/**
 * Length of a bucket.
 *
 * @param {number} span milliseconds that are shown
 * @param {number} width pixels of CSS
 * @returns {number} milliseconds
 */
export function stepFor(span, width) {
  const most = Math.min(width * SLACK, MOST);
  return STEPS.find((step) => span / step <= most) ?? STEPS[STEPS.length - 1] ?? HOUR;
}

/**
 * The length as the API's `every` takes it.
 *
 * @param {number} step milliseconds
 */
export const every = (step) => `${step / SECOND}s`;
