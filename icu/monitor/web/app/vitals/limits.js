/** Limits of patients as the pages show them. */

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

/** @param {ConditionLimits | undefined} limits */
function innermost(limits) {
  /** @type {Record<string, number | null>} */
  const values = limits?.values ?? {};
  for (const tier of TIERS) if (values[tier] != null) return values[tier];
  return null;
}
