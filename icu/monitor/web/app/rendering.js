/** The moments at which a page is drawn: at the next tick after changes, and each second, for clock and ages. */

import { onLook } from "./theme.js";
import { onTick } from "./ticks.js";

/**
 * Call a function at each of them.
 *
 * @param {import("./live/ward.js").Ward} ward
 * @param {() => void} render
 * @returns {() => void} to ask for one more, after changes that the ward doesn't know of
 */
export function renderEach(ward, render) {
  let due = false;
  const ask = () => {
    // Ticks are rare in a page that is not seen; but it is heard.
    if (document.hidden) render();
    else due = true;
  };
  ward.onChange(ask);
  onLook(ask);
  onTick((count) => {
    if (!due && count % 4) return;
    due = false;
    render();
  });
  return ask;
}
