/** Values as they are shown at their place: in words of the chosen units, with the reason for a missing or doubtful one. */

import { reason } from "../alarms/words.js";
import { t } from "../text/text.js";
import { valueOf } from "./signs.js";
import { ABSENT, format } from "./units.js";

/**
 * @typedef {import("./signs.js").Place} Place
 * @typedef {object} Shown
 * @property {string} digits
 * @property {string} mean of a pressure, in brackets
 * @property {string} why it is missing, or doubtful; "" for a good one
 */

/**
 * @param {{ latest: import("../api.js").Reading | null, alarms: { condition: string }[] }} bed
 * @param {Place} place
 * @returns {Shown}
 */
export function shown({ latest, alarms }, place) {
  if (!latest) return { digits: ABSENT, mean: "", why: "" };
  // Leads that are off send a pulse of 0.
  if (place === "pulse" && alarms.some((alarm) => alarm.condition === "disconnected")) {
    return { digits: ABSENT, mean: "", why: t("condition.disconnected") };
  }
  const mean = place === "bp" ? valueOf(latest, "map") : null;
  const digits = place === "bp" ? pressure(latest) : format(place, valueOf(latest, place));
  const flagged = Boolean(/** @type {Record<string, unknown> | undefined} */ (latest.quality)?.[place]);
  const why = digits === ABSENT || flagged ? reason(latest, place) : "";
  return { digits, mean: mean === null ? "" : `(${format("map", mean)})`, why };
}

/** @param {import("../api.js").Reading} latest */
function pressure(latest) {
  const both = [valueOf(latest, "systolic"), valueOf(latest, "diastolic")];
  return both.every((half) => half === null) ? ABSENT : both.map((half) => (half === null ? "-" : format("bp", half))).join("/");
}
