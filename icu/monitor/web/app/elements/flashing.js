/** The phase of flashing: all tiles flash together, for two out of phase are four flashes a second. */

/**
 * Let all animations below an element run by the document's clock, which is the same for all.
 *
 * @param {Element} root
 */
export function flashInPhase(root) {
  root.addEventListener("animationstart", ({ target }) => {
    for (const each of /** @type {Element} */ (target).getAnimations()) each.startTime = 0;
  });
}
