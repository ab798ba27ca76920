/** Alarms in words. */

import { isKey, t } from "../text/text.js";
import { signOf, valueOf } from "../vitals/signs.js";
import { format } from "../vitals/units.js";

/**
 * @typedef {import("../api.js").Alarm} Alarm
 * @typedef {import("../api.js").Reading} Reading
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
 */
export function words(alarm, latest) {
  const sign = signOf(alarm.condition);
  const now = (sign && latest && valueOf(latest, sign)) ?? null;
  const what = condition(alarm, latest, now);
  return alarm.signal === "latched" || isInside(alarm, now) ? t("alarm.was", { what }) : what;
}

/**
 * @param {Alarm} alarm
 * @param {Reading | null} latest
 * @param {number | null} now
 */
function condition(alarm, latest, now) {
  const key = `condition.${alarm.condition}`;
  if (isKey(key)) return t(key);
  const sign = signOf(alarm.condition);
  const [name = "", direction] = alarm.condition.split(".");
  const label = isKey(`sign.${name}`) ? t(/** @type {import("../text/text.js").Key} */ (`sign.${name}`)) : name;
  if (direction === "unavailable") return t("alarm.unavailable", { sign: label, why: reason(latest, name) });
  if (!sign) return alarm.condition;
  const value = format(sign, shownValue(alarm, now));
  const beyond = direction === "low" ? "<" : ">";
  return t("alarm.beyond", { sign: label, value, beyond, limit: format(sign, alarm.limit) });
}

/**
 * Value beyond the limit: that of now while it is beyond it, the worst of an alarm that is over, or that which raised it.
 *
 * @param {Alarm} alarm
 * @param {number | null} now
 */
function shownValue(alarm, now) {
  if (alarm.signal === "latched") return alarm.worst;
  return now === null || alarm.limit === null || isInside(alarm, now) ? alarm.value : now;
}

/**
 * True while an alarm goes on with a value inside its limit: it ends only after a while, and by some distance.
 *
 * @param {Alarm} alarm
 * @param {number | null} now
 */
function isInside({ condition, limit }, now) {
  if (now === null || limit === null) return false;
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
