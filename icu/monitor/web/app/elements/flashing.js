/** The phase of flashing: all tiles flash together, for two out of phase are four flashes a second. */

import { onTick } from "../ticks.js";

/** Ticks of half a flash: 2 Hz, and 0.67 Hz. A low alarm does not flash. */
const HALVES = { high: 1, medium: 3 };

/**
 * Say the phase by attributes of an element, for the style sheet. An animation would cost a look at each tile per frame.
 *
 * @param {Element} root around all that flashes
 */
export function flashInPhase(root) {
  onTick((count) => {
    for (const [priority, half] of Object.entries(HALVES)) {
      if (count % half === 0) root.toggleAttribute(`data-dim-${priority}`);
    }
  });
}
