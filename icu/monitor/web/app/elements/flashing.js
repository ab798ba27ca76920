/** The phase of flashing: all tiles flash together, for two out of phase are four flashes a second. */

/** Milliseconds of half a flash: 2 Hz, and 0.6 Hz. A low alarm does not flash. */
const HALVES = { high: 250, medium: 833 };

/**
 * Say the phase by attributes of an element, for the style sheet. An animation would cost a look at each tile per frame.
 *
 * @param {Element} root around all that flashes
 */
export function flashInPhase(root) {
  for (const [priority, half] of Object.entries(HALVES)) {
    setInterval(() => root.toggleAttribute(`data-dim-${priority}`), half);
  }
}
