/** Words of the chosen language. Each language is one catalogue file with the same keys. */

import { settings } from "../settings.js";
import { en } from "./en.js";
import { ru } from "./ru.js";

/**
 * @typedef {Record<keyof typeof en, string>} Catalogue
 * @typedef {keyof typeof en} Key
 */

/** @type {Record<"en" | "ru", Catalogue>} */
const CATALOGUES = { en, ru };

/**
 * Text of a key, with values in place of `{name}`.
 *
 * @param {Key} key
 * @param {Record<string, string | number>} values
 */
export function t(key, values = {}) {
  const text = CATALOGUES[settings().language][key];
  return text.includes("{") ? text.replaceAll(/\{(\w+)\}/g, (_, name) => String(values[name] ?? "")) : text;
}

/**
 * Tell if there is a text for a key: the server may say words that are newer than this page.
 *
 * @param {string} key
 * @returns {key is Key}
 */
export const isKey = (key) => key in en;

/**
 * Words of the server in the chosen language; as it says them where the catalogue has no others.
 *
 * @param {string} key
 * @param {string} words
 */
export const translated = (key, words) => /** @type {Record<string, string>} */ (CATALOGUES[settings().language])[key] ?? words;

/**
 * Text for a number of things. The catalogue has a key for each form of the plural: `beds.one`, `beds.few`, `beds.many`.
 *
 * @param {string} key
 * @param {number} count
 */
export function plural(key, count) {
  const form = new Intl.PluralRules(settings().language).select(count);
  return t(/** @type {Key} */ (`${key}.${form}`), { count });
}

/** Formats of the languages, which take long to make. @type {Map<string, Intl.DateTimeFormat>} */
const FORMATS = new Map();

/**
 * @param {"time" | "day"} kind
 * @returns {Intl.DateTimeFormat}
 */
function dateFormat(kind) {
  const key = `${settings().language} ${kind}`;
  const found = FORMATS.get(key);
  if (found) return found;
  const made = new Intl.DateTimeFormat(
    settings().language,
    kind === "day" ? { day: "numeric", month: "short" } : { timeStyle: "medium", hourCycle: "h23" },
  );
  FORMATS.set(key, made);
  return made;
}

/**
 * Time of day; day and time where it is of another day than now.
 *
 * @param {number} time milliseconds since 1970
 * @param {number | null} now
 */
export const clockTime = (time, now = null) => onItsDay(dateFormat("time").format(time), time, now);

/**
 * Time of day to the minute; day and time where it is of another day than now.
 *
 * @param {number} time milliseconds since 1970
 * @param {number | null} now
 */
export const clockMinute = (time, now) => onItsDay(shortTime(time, false), time, now);

/**
 * @param {string} clock
 * @param {number} time
 * @param {number | null} now
 */
function onItsDay(clock, time, now) {
  const today = now === null || new Date(now).toDateString() === new Date(time).toDateString();
  return today ? clock : `${dateFormat("day").format(time)} ${clock}`;
}

/**
 * Hours and minutes, with seconds where they matter.
 *
 * @param {number} time milliseconds since 1970
 * @param {boolean} seconds
 */
export const shortTime = (time, seconds) => dateFormat("time").format(time).slice(0, seconds ? 8 : 5);

/**
 * Day and month.
 *
 * @param {number} time milliseconds since 1970
 */
export const shortDay = (time) => dateFormat("day").format(time);

/**
 * Length of a choice of time: "1 h", "7 d".
 *
 * @param {number} milliseconds
 */
export function span(milliseconds) {
  const hours = milliseconds / 3_600_000;
  return hours > 24 ? t("duration.days", { count: hours / 24 }) : t("duration.hours", { count: hours });
}

/**
 * Length of time in the largest unit that leaves at least 2: "42 s", "3 min", "5 h".
 *
 * @param {number} milliseconds
 */
export function duration(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 120) return t("duration.seconds", { count: seconds });
  if (seconds < 7200) return t("duration.minutes", { count: Math.floor(seconds / 60) });
  return t("duration.hours", { count: Math.floor(seconds / 3600) });
}
