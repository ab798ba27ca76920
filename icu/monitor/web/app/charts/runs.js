/** Parts of a line without a gap. */

/**
 * Begins and ends of all runs of values.
 *
 * @param {(number | null)[]} values
 * @returns {[number, number][]} the end is that of the first null behind it
 */
export function runs(values) {
  /** @type {[number, number][]} */
  const found = [];
  values.forEach((value, index) => {
    if (value === null) return;
    const last = found.at(-1);
    if (last?.[1] === index) last[1] = index + 1;
    else found.push([index, index + 1]);
  });
  return found;
}
