/** Units as people are used to. The API's own are UCUM's: Cel and mm[Hg]. */

import { settings } from "../settings.js";
import { isKey, t } from "../text/text.js";

/** Millimetres of mercury in a kilopascal (conventional mmHg, 133.322 Pa). */
const MMHG_IN_KPA = 1 / 0.133322;

/** Decimals that a limit may have more than its sign. */
const MORE_DECIMALS = 2;

/** Distance that is no other limit: one that was typed in another unit has hundredths of the API's. */
const SAME = 0.005;

/** Value in place of a missing one. */
export const ABSENT = "- -";

const PRESSURES = ["systolic", "diastolic", "map", "bp"];

/**
 * Value in the chosen unit, as a number.
 *
 * @param {string} sign
 * @param {number} value in the API's unit
 */
export function convert(sign, value) {
  if (sign === "temperature" && settings().temperature === "[degF]") return value * 1.8 + 32;
  if (PRESSURES.includes(sign) && settings().pressure === "kPa") return value / MMHG_IN_KPA;
  return value;
}

/**
 * Value of the API's unit for one that was typed in the chosen unit.
 *
 * @param {string} sign
 * @param {number} value in the chosen unit
 */
export function convertBack(sign, value) {
  if (sign === "temperature" && settings().temperature === "[degF]") return (value - 32) / 1.8;
  if (PRESSURES.includes(sign) && settings().pressure === "kPa") return value * MMHG_IN_KPA;
  return value;
}

/**
 * Value in the chosen unit, as text.
 *
 * @param {string} sign
 * @param {number | null | undefined} value in the API's unit
 */
export function format(sign, value) {
  if (value === null || value === undefined) return ABSENT;
  return convert(sign, value).toFixed(decimals(sign)).replace(".", t("number.point"));
}

/**
 * Limit in the chosen unit, as text, with all its decimals: by a rounded one, a value could look as if it were inside.
 *
 * @param {string} sign
 * @param {number | null | undefined} limit in the API's unit
 */
export function formatLimit(sign, limit) {
  if (limit === null || limit === undefined) return ABSENT;
  return limitDigits(sign, limit).replace(".", t("number.point"));
}

/**
 * Digits of a limit in the chosen unit, as a field has them.
 *
 * @param {string} sign
 * @param {number} limit in the API's unit
 */
export function limitDigits(sign, limit) {
  const exact = convert(sign, limit);
  const most = decimals(sign) + MORE_DECIMALS;
  let count = decimals(sign);
  while (count < most && Math.abs(exact - Number(exact.toFixed(count))) >= SAME) count += 1;
  return exact.toFixed(count);
}

/**
 * Decimals that are shown of a sign.
 *
 * @param {string} sign
 */
export function decimals(sign) {
  return sign === "temperature" || (PRESSURES.includes(sign) && settings().pressure === "kPa") ? 1 : 0;
}

/**
 * Sign of the chosen unit, for people.
 *
 * @param {string} sign
 */
function unitOf(sign) {
  if (sign === "temperature") return settings().temperature === "[degF]" ? "°F" : "°C";
  if (PRESSURES.includes(sign)) return settings().pressure === "kPa" ? "kPa" : "mmHg";
  return sign === "spo2" ? "%" : "/min";
}

/**
 * The chosen unit in the chosen language.
 *
 * @param {string} sign
 */
export function unitName(sign) {
  const unit = unitOf(sign);
  const key = `unit.${unit}`;
  return isKey(key) ? t(key) : unit;
}
