/** Order of alarms, as `GET /alarms` has it, and questions that the pages ask about one. */

/** @typedef {import("../api.js").Alarm} Alarm */

/** @type {Record<string, number>} */
const URGENCY = { high: 3, medium: 2, low: 1 };

/**
 * Tell if an alarm is present, clearing or latched: pending ones are no alarms yet.
 *
 * @param {Alarm} alarm
 */
export function isActive(alarm) {
  return alarm.ended === null && (["present", "clearing"].includes(alarm.presence) || alarm.signal === "latched");
}

/**
 * Tell if an alarm sounds: a high one also while it is latched.
 *
 * @param {Alarm} alarm
 */
export function sounds(alarm) {
  if (alarm.inhibition !== "none") return false;
  return alarm.signal === "on" || (alarm.signal === "latched" && alarm.priority === "high");
}

/**
 * Tell if somebody may acknowledge an alarm.
 *
 * @param {Alarm} alarm
 */
export const isUnanswered = (alarm) => alarm.signal === "on" || alarm.signal === "latched";

/**
 * Alarm that a tile names: the most urgent that waits for somebody and is not silenced; without one, the most urgent.
 *
 * @param {Alarm[]} alarms of a bed, the most urgent first
 */
export const foremost = (alarms) =>
  alarms.find((alarm) => isUnanswered(alarm) && alarm.inhibition === "none") ?? alarms[0];

/** Alarms of a value of 0, in whose place a low pulse or few breaths may be, too. */
const STILL = ["asystole", "apnoea"];

/**
 * Tell if a heart or a breath stands still now.
 *
 * @param {Alarm} alarm
 */
const isStill = ({ condition, presence }) => STILL.includes(condition) && presence === "present";

/**
 * Compare alarms: the most urgent first, by priority, then those that sound, a heart or breath at 0, then the newest.
 *
 * @param {Alarm} one
 * @param {Alarm} other
 */
export function byUrgency(one, other) {
  return (
    urgency(other) - urgency(one) ||
    Number(sounds(other)) - Number(sounds(one)) ||
    Number(isStill(other)) - Number(isStill(one)) ||
    began(other) - began(one) ||
    one.id.localeCompare(other.id)
  );
}

/**
 * Number of a priority: 3 is high, 0 is none.
 *
 * @param {Alarm | undefined} alarm
 */
export const urgency = (alarm) => (alarm ? (URGENCY[alarm.priority] ?? 0) : 0);

/**
 * Time at which an alarm was raised, in milliseconds.
 *
 * @param {Alarm} alarm
 */
export const began = (alarm) => Date.parse(alarm.raised ?? alarm.onset);
