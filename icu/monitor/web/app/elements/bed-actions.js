/** Buttons for what is done with the whole bed. */

import { openAdmit, openDischarge, openPause, openStandby } from "../dialogs/bed.js";
import { h, setAttribute, setText, showFocusable } from "../dom.js";
import { t } from "../text/text.js";

/**
 * @typedef {import("../live/ward.js").Bed} Bed
 * @typedef {import("../api.js").Patient} Patient
 */

export class BedActions extends HTMLElement {
  /** @param {() => void} openLimits */
  constructor(openLimits) {
    super();
    /** @type {Patient | undefined} */
    this._patient = undefined;
    this._pause = this._button(openPause);
    this._limits = this._button(openLimits);
    this._standby = this._button(openStandby);
    this._admit = this._button(openAdmit);
    this._discharge = this._button(openDischarge);
    this._buttons = h("div", { class: "buttons", role: "group" }, this._pause, this._limits, this._standby, this._admit, this._discharge);
  }

  connectedCallback() {
    if (!this._buttons.isConnected) this.append(this._buttons);
  }

  /** @param {Bed} bed */
  render({ patient }) {
    this._patient = patient;
    setAttribute(this._buttons, "aria-label", t("actions.label"));
    setText(this._pause, t("pause.open"));
    setText(this._limits, t("limits.open"));
    setText(this._standby, t("standby.open"));
    setText(this._admit, t(patient.standby ? "standby.end.submit" : patient.bed === null ? "admit.open" : "admit.move"));
    setText(this._discharge, t("discharge.open"));
    const watched = patient.bed !== null && !patient.standby;
    this._show([[this._pause, watched], [this._standby, watched], [this._discharge, patient.bed !== null]]);
  }

  /** @param {[HTMLButtonElement, boolean][]} shown */
  _show(shown) {
    for (const [button, is] of shown) showFocusable(button, is, this._admit);
  }

  /** @param {(patient: Patient) => void} open */
  _button(open) {
    const made = h("button", { type: "button" });
    made.addEventListener("click", () => this._patient && open(this._patient));
    return made;
  }
}

customElements.define("icu-actions", BedActions);
