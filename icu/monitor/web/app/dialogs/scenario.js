/** Choice of a course of illness for an emulated patient. */

import { read, send } from "../api.js";
import { report } from "../commands/report.js";
import { h } from "../dom.js";
import { explained, titleOf } from "../text/course.js";
import { t } from "../text/text.js";
import { Dialog, field } from "./form.js";

/**
 * @param {string} patient
 * @param {string} present name of the one that goes on; "" without one
 */
export async function openScenario(patient, present) {
  /** @type {import("../api.js").Schemas["ScenarioEntry"][] | null} */
  const scenarios = await report(read("scenarios"));
  // A second click opens no second dialog.
  if (!scenarios || document.querySelector("dialog[open]")) return;
  const options = scenarios.map(({ name, title }) => h("option", { value: name }, titleOf(name, title)));
  const choice = h("select", {}, ...options);
  choice.value = present || "stable";
  const note = h("p", { class: "hint", role: "status" });
  const explain = () => {
    const chosen = scenarios.find((each) => each.name === choice.value);
    note.textContent = chosen ? explained(chosen) : "";
  };
  choice.addEventListener("change", explain);
  explain();
  new Dialog({
    title: t("scenario.title"),
    fields: [h("p", { class: "hint" }, t("scenario.truth")), field(t("scenario.label"), choice), note],
    submit: t("scenario.submit"),
    send: (by) => send("POST", `patient/${patient}/scenario`, { by, scenario: choice.value }),
  });
}
