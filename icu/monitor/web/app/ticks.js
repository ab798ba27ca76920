/** Quarters of a second: pages are drawn and alarms flash together, for each frame costs something by itself. */

const QUARTER = 250;

/** @type {((count: number) => void)[]} */
const callbacks = [];
let count = 0;

/**
 * Call a function each quarter of a second.
 *
 * @param {(count: number) => void} callback gets the number of quarters so far
 */
export function onTick(callback) {
  if (!callbacks.length) setInterval(tick, QUARTER);
  callbacks.push(callback);
}

function tick() {
  count += 1;
  for (const each of callbacks) each(count);
}
