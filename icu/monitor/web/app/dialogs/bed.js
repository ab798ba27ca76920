/** Commands about a bed: pause, standby, admission and discharge. */

import { ApiError, read, send } from "../api.js";
import { h } from "../dom.js";
import { t } from "../text/text.js";
import { Dialog, field, numberInput } from "./form.js";

/** @typedef {import("../api.js").Patient} Patient */

/** Seconds of a pause: what is proposed, and the most that the server takes. */
const LONGEST_PAUSE = "120";

/** @param {Patient} patient */
const named = (patient) => ({ bed: patient.bed ?? "–", name: patient.name ?? t("bed.unnamed") });

/** @param {Patient} patient */
export function openPause(patient) {
  const seconds = numberInput(LONGEST_PAUSE, { min: "1", max: LONGEST_PAUSE, step: "1" });
  new Dialog({
    title: t("pause.title", named(patient)),
    fields: [hint("pause.hint"), field(t("pause.seconds"), seconds)],
    submit: t("pause.submit"),
    send: (by) => send("POST", `patient/${patient.uuid}/pause`, { by, seconds: Number(seconds.value) }),
  });
}

/** @param {Patient} patient */
export function openStandby(patient) {
  new Dialog({
    title: t("standby.title", named(patient)),
    fields: [hint("standby.hint")],
    submit: t("standby.submit"),
    send: (by) => send("POST", `patient/${patient.uuid}/standby`, { by }),
  });
}

/** @param {Patient} patient */
export function openDischarge(patient) {
  new Dialog({
    title: t("discharge.title", named(patient)),
    fields: [hint("discharge.hint")],
    submit: t("discharge.submit"),
    send: (by) => send("POST", `patient/${patient.uuid}/discharge`, { by }),
  });
}

/**
 * Admit a patient, give another bed, or end a standby: all are one command.
 *
 * @param {Patient} patient
 */
export function openAdmit(patient) {
  const bed = h("input", { maxlength: "16", autocomplete: "off" });
  bed.value = patient.bed ?? "";
  const moves = patient.bed !== null;
  /** @param {string} by */
  const admit = async (by) => {
    try {
      return await send("POST", `patient/${patient.uuid}/admit`, { by, bed: bed.value.trim() || null });
    } catch (error) {
      const holder = await holderOf(error, patient);
      if (!holder) throw error;
      dialog.say(t("admit.taken", named(holder)));
      return true;
    }
  };
  const dialog = new Dialog({
    title: t(patient.standby ? "standby.end" : moves ? "admit.move.title" : "admit.title", named(patient)),
    fields: [hint("admit.hint"), field(t("admit.bed"), bed)],
    submit: t(patient.standby ? "standby.end.submit" : moves ? "admit.move" : "admit.submit"),
    send: admit,
  });
}

/**
 * Patient who has the bed that another one was to have; undefined if a command was refused for another reason.
 *
 * @param {unknown} error of the command
 * @param {Patient} patient
 * @returns {Promise<Patient | undefined>}
 */
async function holderOf(error, patient) {
  if (!(error instanceof ApiError) || error.status !== 409) return undefined;
  const { patient_uuid: holder } = /** @type {import("../api.js").Schemas["Bed"]} */ (error.state);
  if (holder === patient.uuid) return undefined;
  /** @type {Patient[]} */
  const patients = await read("patients");
  return patients.find((each) => each.uuid === holder);
}

/** @param {import("../text/text.js").Key} key */
const hint = (key) => h("p", { class: "hint" }, t(key));
