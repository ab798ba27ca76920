/** The moments at which a page is drawn: after changes, once a frame at most, and each second, for clock and ages. */

import { onLook } from "./theme.js";

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
    // No frames come to a page that is not seen, also not the one that is due; but it is heard.
    if (document.hidden) return render();
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      render();
    });
  };
  ward.onChange(ask);
  onLook(ask);
  setInterval(ask, 1000);
  return ask;
}
