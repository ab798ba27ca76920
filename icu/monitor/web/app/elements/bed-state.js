/** State of a bed in words: standby, pause, or no data. Empty while all is well. */

import { h, setAttribute, setText, show } from "../dom.js";
import { clockMinute, duration, t } from "../text/text.js";

/**
 * @typedef {import("../live/ward.js").Bed} Bed
 * @typedef {import("../api.js").Patient} Patient
 */

export class BedState extends HTMLElement {
  constructor() {
    super();
    this._words = h("p", { role: "status" });
  }

  connectedCallback() {
    this.replaceChildren(this._words);
  }

  /**
   * @param {Bed} bed
   * @param {number | null} now
   * @param {number | null} age milliseconds since the last reading
   * @param {boolean} fresh the ward's values are those of now
   */
  render({ patient }, now, age, fresh) {
    const [words, kind] = stateOf(patient, now, patient.stale !== false || !fresh, age);
    setText(this._words, words);
    setAttribute(this, "data-kind", kind);
    show(this, Boolean(words));
  }
}

customElements.define("icu-state", BedState);

/**
 * State of the bed in words, and its kind.
 *
 * @param {Patient} patient
 * @param {number | null} now
 * @param {boolean} stale
 * @param {number | null} age
 * @returns {[string, string]}
 */
function stateOf({ bed, standby, paused }, now, stale, age) {
  if (bed === null) return [t("bed.discharged"), "standby"];
  if (standby) return [t("bed.standby.by", { time: clockMinute(Date.parse(standby.until), now), by: standby.by }), "standby"];
  if (stale) return [age === null ? t("bed.stale.never") : t("bed.stale", { age: duration(age) }), "stale"];
  if (!paused || now === null) return ["", ""];
  const left = duration(Math.max(0, Date.parse(paused.until) - now));
  return [t("bed.paused.by", { left, by: paused.by }), "paused"];
}
