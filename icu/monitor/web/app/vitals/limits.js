/** Limits of patients as the pages show them. */

import { t } from "../text/text.js";
import { SIGNS_AT } from "./signs.js";
import { formatLimit } from "./units.js";

/**
 * @typedef {import("./signs.js").SignName} SignName
 * @typedef {import("../api.js").ConditionLimits} ConditionLimits
 * @typedef {Record<string, ConditionLimits>} Conditions limits in force, by condition
 */

/** Priorities from the mildest: its limit is the innermost. */
const TIERS = ["low", "medium", "high"];

/**
 * Lower and upper limit of a sign, the innermost of their tiers; null where the alarm is off.
 *
 * @param {Conditions} conditions
 * @param {SignName} sign
 * @returns {[number | null, number | null]}
 */
export function limitsOf(conditions, sign) {
  return [innermost(conditions[`${sign}.low`]), innermost(conditions[`${sign}.high`])];
}

/**
 * Tell if an alarm that a sign may have is off.
 *
 * @param {Conditions} conditions
 * @param {SignName} sign
 * @param {"low" | "high"} direction
 */
export function isOff(conditions, sign, direction) {
  const limits = conditions[`${sign}.${direction}`];
  return limits !== undefined && innermost(limits) === null;
}

/**
 * Tell if a sign may have alarms, and all are off.
 *
 * @param {Conditions} conditions
 * @param {SignName} sign
 */
export function isUnwatched(conditions, sign) {
  const anyOff = isOff(conditions, sign, "low") || isOff(conditions, sign, "high");
  return anyOff && limitsOf(conditions, sign).every((limit) => limit === null);
}

/**
 * Name of a place for screen readers, with the words that all its alarms are off.
 *
 * @param {Conditions} conditions
 * @param {import("./signs.js").Place} place
 */
export function placeInWords(conditions, place) {
  const name = t(`sign.${place}.long`);
  return SIGNS_AT[place].every((sign) => isUnwatched(conditions, sign)) ? `${name} (${t("limits.off.sentence")})` : name;
}

/**
 * Limits of a sign in the chosen unit: "60 – 110", "≥ 90", "off". Empty where they are not known.
 *
 * @param {Conditions} conditions
 * @param {SignName} sign
 */
export function limitsInWords(conditions, sign) {
  const [low, high] = limitsOf(conditions, sign);
  if (low === null && high === null) return isUnwatched(conditions, sign) ? t("limits.off") : "";
  if (low === null) return `≤ ${formatLimit(sign, high)}`;
  return high === null ? `≥ ${formatLimit(sign, low)}` : `${formatLimit(sign, low)} – ${formatLimit(sign, high)}`;
}

/** @param {ConditionLimits | undefined} limits */
function innermost(limits) {
  /** @type {Record<string, number | null>} */
  const values = limits?.values ?? {};
  for (const tier of TIERS) if (values[tier] != null) return values[tier];
  return null;
}
