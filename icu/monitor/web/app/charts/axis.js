/** Marks of the time axis that all strips share, at round times of the browser's zone. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Distances of two marks, milliseconds. */
const DISTANCES = [
  ...[0.25, 0.5, 1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7, 14, 30, 91, 182].map((count) => count * DAY),
];

/** Pixels that a mark with its text takes. */
const ROOM = 110;

/** Half of the longest text of a mark, `12:00:30`, pixels of CSS. */
const HALF_A_TEXT = 30;

/**
 * Edge of the axis at which the text of a mark would be cut off, if it stood in the middle of its mark.
 *
 * @param {number} share of the width
 * @param {number} width pixels of CSS
 * @returns {"left" | "right" | ""}
 */
export function edgeOf(share, width) {
  if (share * width < HALF_A_TEXT) return "left";
  return (1 - share) * width < HALF_A_TEXT ? "right" : "";
}

/**
 * Times of the marks.
 *
 * @param {number} from milliseconds since 1970
 * @param {number} to
 * @param {number} width pixels of CSS
 * @param {(time: number) => number} offset minutes that the zone is behind UTC at a time, as Date has it
 * @returns {number[]}
 */
export function marks(from, to, width, offset = (time) => new Date(time).getTimezoneOffset()) {
  const most = Math.max(1, width / ROOM);
  const distance = DISTANCES.find((each) => (to - from) / each <= most) ?? 365 * DAY;
  // Whole multiples since midnight, and not since 1970: of the zone at the begin, or marks would stand twice at its change.
  const zone = offset(from) * MINUTE;
  const first = Math.ceil((from - zone) / distance) * distance + zone;
  return Array.from({ length: Math.floor((to - first) / distance) + 1 }, (_, index) => first + index * distance);
}

/**
 * True if a mark says the day rather than the hour.
 *
 * @param {number} time
 * @param {number} distance milliseconds between two marks: days stay days where clocks are changed between them
 */
export const isDay = (time, distance) =>
  distance >= DAY || (new Date(time).getHours() === 0 && new Date(time).getMinutes() === 0);
