/** Choice of a course of illness for an emulated patient. */

import { read, send } from "../api.js";
import { report } from "../commands/report.js";
import { h } from "../dom.js";
import { t } from "../text/text.js";
import { Dialog, field } from "./form.js";

/**
 * @param {string} patient
 * @param {string} present name of the one that goes on; "" without one
 * @param {() => void} done called after a change
 */
export async function openScenario(patient, present, done) {
  /** @type {import("../api.js").Schemas["ScenarioEntry"][] | null} */
  const scenarios = await report(read("scenarios"));
  if (!scenarios) return;
  const options = scenarios.map(({ name, title }) => h("option", { value: name }, title));
  const choice = h("select", {}, ...options);
  choice.value = present || "stable";
  const note = h("p", { class: "hint", role: "status" });
  const explain = () => {
    const chosen = scenarios.find((each) => each.name === choice.value);
    note.textContent = [chosen?.note, chosen?.phases.join(" → ")].filter(Boolean).join(" ");
  };
  choice.addEventListener("change", explain);
  explain();
  new Dialog({
    title: t("scenario.title"),
    fields: [h("p", { class: "hint" }, t("scenario.truth")), field(t("scenario.label"), choice), note],
    submit: t("scenario.submit"),
    send: async (by) => {
      await send("POST", `patient/${patient}/scenario`, { by, scenario: choice.value });
      done();
    },
  });
}
