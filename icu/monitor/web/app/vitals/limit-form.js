/** Limits as a form has them: one field for each limit of each sign, and the change that the fields make. */

/**
 * @typedef {import("../api.js").ConditionLimits} ConditionLimits
 * @typedef {import("./limits.js").Conditions} Conditions
 * @typedef {import("./signs.js").SignName} SignName
 * @typedef {"low" | "medium" | "high"} Tier
 * @typedef {object} Field
 * @property {string} condition "spo2.low"
 * @property {SignName} sign
 * @property {"low" | "high"} direction
 * @property {Tier} tier priority of the alarm
 * @property {number | null} value in the API's unit; null where the alarm is off
 * @property {boolean} own true where it is the patient's own, and not the ward's
 */

/** Signs of the form, in its order. @type {SignName[]} */
const SIGNS = ["pulse", "spo2", "systolic", "diastolic", "map", "resp_rate", "temperature"];

/** From the lowest limit to the highest one. @type {["low" | "high", Tier[]][]} */
const ORDER = [
  ["low", ["high", "medium", "low"]],
  ["high", ["low", "medium", "high"]],
];

/**
 * Fields of all limits in force, by sign.
 *
 * @param {Conditions} inForce
 * @param {Conditions} own the patient's
 * @returns {Map<SignName, Field[]>}
 */
export function fieldsOf(inForce, own) {
  const all = SIGNS.map((sign) => /** @type {const} */ ([sign, fieldsOfSign(sign, inForce, own)]));
  return new Map(all.filter(([, fields]) => fields.length));
}

/**
 * The patient's own limits after a change.
 *
 * @param {Conditions} own the ones before
 * @param {(Field & { changed: number | null })[]} changes fields with their new values
 * @returns {Conditions}
 */
export function changed(own, changes) {
  const made = structuredClone(own);
  for (const { condition, tier, changed: value } of changes) {
    const limits = (made[condition] ??= {});
    limits.values = { ...limits.values, [tier]: value };
  }
  return made;
}

/**
 * True if the form has the limit of an alarm: nobody sets those of asystole and apnoea.
 *
 * @param {{ condition: string }} alarm
 */
export function hasLimits({ condition }) {
  const [sign, direction] = condition.split(".");
  return SIGNS.some((each) => each === sign) && (direction === "low" || direction === "high");
}

/**
 * @param {SignName} sign
 * @param {Conditions} inForce
 * @param {Conditions} own
 * @returns {Field[]}
 */
function fieldsOfSign(sign, inForce, own) {
  return ORDER.flatMap(([direction, tiers]) => {
    const condition = `${sign}.${direction}`;
    const values = inForce[condition]?.values ?? {};
    return tiers
      .filter((tier) => tier in values)
      .map((tier) => ({
        condition,
        sign,
        direction,
        tier,
        value: values[tier] ?? null,
        own: tier in (own[condition]?.values ?? {}),
      }));
  });
}
