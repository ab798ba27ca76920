/** The emulator's truth about a patient, and the choice of another course. Absent where the patient is no emulated one. */

import { openScenario } from "../dialogs/scenario.js";
import { h, setText, show } from "../dom.js";
import { PATIENT } from "../page.js";
import { present } from "../text/course.js";
import { t } from "../text/text.js";

/** @typedef {import("../api.js").Schemas["State"]} Truth */

export class ScenarioBox extends HTMLElement {
  /** @param {import("../live/asked.js").Asked<Truth>} truth */
  constructor(truth) {
    super();
    this._truth = truth;
    this._title = h("h2");
    this._what = h("p");
    this._hint = h("small");
    this._change = h("button", { type: "button", class: "commands" });
    this._change.addEventListener("click", () => openScenario(PATIENT, truth.answer?.scenario ?? ""));
  }

  connectedCallback() {
    if (this._title.isConnected) return;
    this.append(h("div", { class: "text" }, this._title, this._what, this._hint), this._change);
  }

  render() {
    const truth = this._truth.answer;
    show(this, truth !== null);
    if (!truth) return;
    setText(this._title, t("scenario.box"));
    setText(this._what, present(truth) || t("scenario.none"));
    setText(this._hint, t("scenario.truth"));
    setText(this._change, t("scenario.open"));
  }
}

customElements.define("icu-scenario", ScenarioBox);
