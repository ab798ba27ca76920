/** One big number: name, unit, value, limits and age; words say why there is no value. */

import { TRIANGLES } from "../alarms/words.js";
import { h, setAttribute, setText, show } from "../dom.js";
import { duration, t } from "../text/text.js";
import { isOff, isUnwatched, limitsInWords, placeInWords } from "../vitals/limits.js";
import { shown } from "../vitals/shown.js";
import { SIGNS_AT } from "../vitals/signs.js";
import { ABSENT, unitName } from "../vitals/units.js";
import { alarmOf } from "./bed-number.js";

/**
 * @typedef {import("../vitals/signs.js").Place} Place
 * @typedef {import("../vitals/limits.js").Conditions} Conditions
 * @typedef {import("../live/ward.js").Bed} Bed
 * @typedef {import("../api.js").Reading} Reading
 */

/** Milliseconds up to which a value is one of now. */
const NOW = 15_000;

export class BigNumber {
  /** @param {Place} place */
  constructor(place) {
    this._place = place;
    this._sign = h("span", { class: "sign" });
    this._name = h("span", { class: "name" });
    this._unit = h("span", { class: "unit" });
    this._digits = h("span", { class: "digits" });
    this._mean = h("span", { class: "mean" });
    this._limits = SIGNS_AT[place].map((sign) => ({ sign, element: h("span", { class: "limits" }) }));
    this._why = h("span", { class: "why" });
    this._age = h("span", { class: "age" });
    const head = h("p", { class: "head" }, this._sign, this._name, this._unit);
    const value = h("p", { class: "value" }, this._digits, this._mean);
    const foot = h("p", { class: "foot" }, ...this._limits.map(({ element }) => element), this._why, this._age);
    this.element = h("div", { class: "big", role: "group", "data-place": place }, head, value, foot);
  }

  /**
   * @param {Bed} bed
   * @param {Conditions} conditions limits in force
   * @param {number | null} age of the values, in milliseconds
   * @param {boolean} stale
   */
  render(bed, conditions, age, stale) {
    const alarm = alarmOf(bed, this._place);
    setAttribute(this.element, "data-alarm", alarm ? alarm.priority : false);
    setAttribute(this.element, "data-stale", stale);
    setAttribute(this.element, "aria-label", placeInWords(conditions, this._place));
    setText(this._sign, alarm ? signOf(alarm) : "");
    setText(this._name, this._place === "bp" ? `${t("sign.bp")} (${t("bp.mean")})` : t(`sign.${this._place}`));
    setText(this._unit, unitName(this._place));
    const { digits, mean, why } = shown(bed, this._place);
    setText(this._digits, digits);
    setAttribute(this.element, "data-wide", digits.length > (this._place === "bp" ? 7 : 4));
    setText(this._mean, mean);
    setText(this._age, bed.latest && age !== null ? ageOf(bed.latest, this._place, age, stale) : "");
    setText(this._why, why);
    setAttribute(this.element, "data-doubtful", why !== "" && digits !== ABSENT);
    this._renderLimits(conditions);
  }

  /** @param {Conditions} conditions */
  _renderLimits(conditions) {
    for (const { sign, element } of this._limits) {
      const name = this._limits.length > 1 ? t(`sign.${sign}`) : "";
      const limits = [name, limitsInWords(conditions, sign)].filter(Boolean).join(" ");
      const unwatched = isUnwatched(conditions, sign);
      show(element, limits !== name);
      setAttribute(element, "data-off", isOff(conditions, sign, "low") || isOff(conditions, sign, "high"));
      // One of three signs has no room for a word: the bell says it.
      setText(element, unwatched && name ? name : limits);
      setAttribute(element, "role", unwatched && "img");
      setAttribute(element, "aria-label", unwatched && limits);
    }
  }
}

/**
 * Triangles of an alarm, with a tick where somebody has acknowledged it.
 *
 * @param {import("../api.js").Alarm} alarm
 */
function signOf({ priority, signal }) {
  return `${TRIANGLES[priority] ?? ""}${signal === "acknowledged" ? " ✓" : ""}`;
}

/**
 * @param {Reading} latest
 * @param {Place} place
 * @param {number} age of the reading
 * @param {boolean} stale
 */
function ageOf(latest, place, age, stale) {
  const measured = place === "bp" ? latest.bp_measured_at : undefined;
  // Both by the sender's clock.
  const older = measured ? Math.max(0, Date.parse(latest.timestamp) - Date.parse(measured)) : 0;
  return age + older < NOW && !stale ? t("age.now") : t("age.ago", { age: duration(age + older) });
}
