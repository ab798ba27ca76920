/** Alarms in words. */

import { isKey, t } from "../text/text.js";
import { signOf, valueOf } from "../vitals/signs.js";
import { format, formatLimit } from "../vitals/units.js";

/**
 * @typedef {import("../api.js").Alarm} Alarm
 * @typedef {import("../api.js").Reading} Reading
 * @typedef {import("../vitals/limits.js").Conditions} Conditions
 */

/** Triangles of the priorities. They tell them apart without colour. @type {Record<string, string>} */
export const TRIANGLES = { high: "▲▲▲", medium: "▲▲", low: "▲" };

/** In place of triangles for a technical alarm. */
export const TECHNICAL = "⚙";

/**
 * Symbol of an alarm: triangles by its priority, behind a sign of their own for technical ones.
 *
 * @param {Alarm} alarm
 */
export function symbol(alarm) {
  const triangles = TRIANGLES[alarm.priority] ?? "";
  return alarm.kind === "technical" ? `${TECHNICAL} ${triangles}` : triangles;
}

/**
 * An alarm in a few words: "HR 151 > 120", "SpO₂ probe off", "was HR 151 > 120" once the value is back inside.
 *
 * @param {Alarm} alarm
 * @param {Reading | null} latest reading of the patient, which says why a sign is lost
 * @param {Conditions} [conditions] limits in force, with which the value of now is compared; by default the alarm's own
 */
export function words(alarm, latest, conditions = {}) {
  const sign = signOf(alarm.condition);
  const now = (sign && latest && valueOf(latest, sign)) ?? null;
  const limit = limitNow(alarm, conditions);
  const isOver = alarm.signal === "latched" || isInside(alarm, now, limit);
  const what = isOver || now === null ? condition(alarm, latest, past(alarm), alarm.limit) : condition(alarm, latest, now, limit);
  return isOver ? t("alarm.was", { what }) : what;
}

/**
 * @param {Alarm} alarm
 * @param {Reading | null} latest
 * @param {number | null} value
 * @param {number | null} limit
 */
function condition(alarm, latest, value, limit) {
  const key = `condition.${alarm.condition}`;
  if (isKey(key)) return t(key);
  const sign = signOf(alarm.condition);
  const [name = "", direction] = alarm.condition.split(".");
  const label = isKey(`sign.${name}`) ? t(/** @type {import("../text/text.js").Key} */ (`sign.${name}`)) : name;
  if (direction === "unavailable") return t("alarm.unavailable", { sign: label, why: reason(latest, name) });
  if (!sign) return alarm.condition;
  const beyond = direction === "low" ? "<" : ">";
  return t("alarm.beyond", { sign: label, value: format(sign, value), beyond, limit: formatLimit(sign, limit) });
}

/**
 * Value that was beyond the limit: the worst of an alarm that is over, or that which raised it.
 *
 * @param {Alarm} alarm
 */
const past = ({ signal, worst, value }) => (signal === "latched" ? worst : value);

/**
 * Limit in force for the alarm's priority: null where it is off by now, and the alarm's own where it is not known.
 *
 * @param {Alarm} alarm
 * @param {Conditions} conditions
 */
function limitNow({ condition, priority, limit }, conditions) {
  /** @type {Record<string, number | null>} */
  const values = conditions[condition]?.values ?? {};
  return priority in values ? (values[priority] ?? null) : limit;
}

/**
 * True while an alarm goes on with a value inside the limit: it ends only after a while, and by some distance.
 *
 * @param {Alarm} alarm
 * @param {number | null} now
 * @param {number | null} limit in force; null where it is off
 */
function isInside({ condition, limit: own }, now, limit) {
  if (now === null || own === null) return false;
  if (limit === null) return true;
  return (condition.endsWith(".low") && now >= limit) || (condition.endsWith(".high") && now <= limit);
}

/**
 * Reason for a doubtful or absent value, as its sender gave it.
 *
 * @param {Reading | null} latest
 * @param {string} field of the reading
 */
export function reason(latest, field) {
  /** @type {Record<string, string | null> | undefined} */
  const quality = latest?.quality;
  const word = quality?.[field] ?? "absent";
  const key = `quality.${word}`;
  return isKey(key) ? t(key) : word;
}
