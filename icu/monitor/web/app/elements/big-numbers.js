/** The big numbers of a patient. */

import { setAttribute } from "../dom.js";
import { PLACES } from "../vitals/signs.js";
import { BigNumber } from "./big-number.js";

export class BigNumbers extends HTMLElement {
  constructor() {
    super();
    this._numbers = PLACES.map((place) => new BigNumber(place));
  }

  connectedCallback() {
    this.replaceChildren(...this._numbers.map((each) => each.element));
  }

  /**
   * @param {import("../live/ward.js").Bed} bed
   * @param {import("../vitals/limits.js").Conditions} conditions limits in force
   * @param {number | null} age of the values, in milliseconds
   * @param {boolean} fresh the ward's values are those of now
   */
  render(bed, conditions, age, fresh) {
    const { patient } = bed;
    setAttribute(this, "data-unwatched", patient.bed === null || patient.standby !== null);
    const stale = patient.stale !== false || !fresh;
    for (const each of this._numbers) each.render(bed, conditions, age, stale);
  }
}

customElements.define("icu-numbers", BigNumbers);
