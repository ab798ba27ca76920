/** Choices of theme and units. */

import { h } from "../dom.js";
import { change, settings } from "../settings.js";
import { t } from "../text/text.js";

/** Open the dialog. Each choice holds at once. */
export function openSettings() {
  const close = h("button", { type: "submit" }, t("dialog.close"));
  const dialog = h(
    "dialog",
    { "aria-labelledby": "settings-title" },
    h(
      "form",
      { method: "dialog" },
      h("h2", { id: "settings-title" }, t("settings.open")),
      choice("theme", t("settings.theme"), [
        ["dark", t("theme.dark")],
        ["light", t("theme.light")],
        ["system", t("theme.system")],
      ]),
      choice("temperature", t("settings.temperature"), [
        ["Cel", "°C"],
        ["[degF]", "°F"],
      ]),
      choice("pressure", t("settings.pressure"), [
        ["mm[Hg]", t("unit.mmHg")],
        ["kPa", t("unit.kPa")],
      ]),
      h("p", { class: "actions" }, close),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/**
 * @param {"theme" | "temperature" | "pressure"} name
 * @param {string} label
 * @param {[string, string][]} options values and words
 */
function choice(name, label, options) {
  const select = h("select", { id: `choice-${name}` }, ...options.map(([value, words]) => h("option", { value }, words)));
  select.value = settings()[name];
  select.addEventListener("change", () => change({ [name]: select.value }));
  return h("p", { class: "choice" }, h("label", { for: `choice-${name}` }, label), select);
}
