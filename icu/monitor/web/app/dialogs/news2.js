/** Inputs of NEWS2 that no monitor measures. */

import { send } from "../api.js";
import { h } from "../dom.js";
import { t } from "../text/text.js";
import { Dialog, field } from "./form.js";

/** ACVPU, from the best. */
export const CONSCIOUSNESS = /** @type {const} */ (["alert", "confusion", "voice", "pain", "unresponsive"]);

/**
 * @param {string} patient
 * @param {import("../api.js").Schemas["EnteredInputs"]} entered what holds now
 */
export function openNews2(patient, entered) {
  const oxygen = select(["false", "true"], String(entered.oxygen), (value) => t(`news2.oxygen.${value}`));
  const consciousness = select(CONSCIOUSNESS, entered.consciousness, (value) => t(`news2.consciousness.${value}`));
  const scale = select(["1", "2"], String(entered.scale), (value) => t(`news2.scale.${value}`));
  new Dialog({
    title: t("news2.title"),
    fields: [
      field(t("news2.oxygen"), oxygen),
      field(t("news2.consciousness"), consciousness),
      field(t("news2.scale"), scale),
    ],
    submit: t("news2.submit"),
    send: (by) => {
      const inputs = { oxygen: oxygen.value === "true", consciousness: consciousness.value, scale: Number(scale.value) };
      return send("PUT", `patient/${patient}/news2`, { by, ...inputs });
    },
  });
}

/**
 * @template {string} T
 * @param {readonly T[]} values
 * @param {string} chosen
 * @param {(value: T) => string} words
 */
function select(values, chosen, words) {
  const made = h("select", {}, ...values.map((value) => h("option", { value }, words(value))));
  made.value = chosen;
  return made;
}
