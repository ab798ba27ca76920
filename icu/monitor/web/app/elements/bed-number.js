/** One number of a tile: label, value, and its limits; the ground is filled while it is in alarm. */

import { urgency } from "../alarms/order.js";
import { h, setAttribute, setText, show } from "../dom.js";
import { settings } from "../settings.js";
import { t } from "../text/text.js";
import { isOff, isUnwatched, limitsInWords, limitsOf } from "../vitals/limits.js";
import { shown } from "../vitals/shown.js";
import { PLACE_OF, signOf } from "../vitals/signs.js";
import { ABSENT, formatLimit, unitName } from "../vitals/units.js";

/**
 * @typedef {import("../vitals/signs.js").Place} Place
 * @typedef {import("../vitals/limits.js").Conditions} Conditions
 * @typedef {import("../live/ward.js").Bed} Bed
 */

export class BedNumber {
  /** @param {Place} place */
  constructor(place) {
    this.place = place;
    this._sign = h("span");
    this._unit = h("span");
    // Of the mean pressure, beside its word: "(mean 60 – 110)".
    this._meanLimits = h("span", { class: "limits" });
    this._ofMean = h("span", {}, this._meanLimits, ")");
    /** What the limits were drawn from: they are the same for a long time. @type {unknown[]} */
    this._limitsFrom = [];
    this._value = h("span", { class: "digits" });
    this._mean = h("span", { class: "mean" });
    this._high = h("span");
    this._low = h("span");
    this._limits = h("span", { class: "limits" }, this._high, this._low);
    const value = h("span", { class: "value" }, this._value, this._mean);
    this.element = h(
      "span",
      { class: "number", "data-place": place },
      h("span", { class: "label" }, this._sign, h("span", { class: "unit" }, this._unit, ...(place === "bp" ? [this._ofMean] : []))),
      value,
      this._limits,
    );
  }

  /**
   * @param {Bed} bed
   * @param {Conditions} conditions limits in force
   */
  render(bed, conditions) {
    setText(this._sign, t(`sign.${this.place}`));
    const { digits, mean, why } = shown(bed, this.place);
    setText(this._unit, ` ${why || unitLabel(this.place)}`);
    show(this._ofMean, why === "");
    setText(this._value, digits);
    setAttribute(this.element, "data-doubtful", why !== "" && digits !== ABSENT);
    setText(this._mean, mean);
    const alarm = alarmOf(bed, this.place);
    setAttribute(this.element, "data-alarm", alarm ? alarm.priority : false);
    this._renderLimits(conditions);
  }

  /** @param {Conditions} conditions */
  _renderLimits(conditions) {
    const from = [conditions, settings()];
    if (from.every((each, index) => each === this._limitsFrom[index])) return;
    this._limitsFrom = from;
    const sign = this.place === "bp" ? "systolic" : this.place;
    const [low, high] = limitsOf(conditions, sign);
    setText(this._high, high === null ? "" : formatLimit(sign, high));
    setText(this._low, low === null ? "" : formatLimit(sign, low));
    setAttribute(this._high, "data-off", isOff(conditions, sign, "high"));
    setAttribute(this._low, "data-off", isOff(conditions, sign, "low"));
    setText(this._meanLimits, ` ${limitsInWords(conditions, "map")}`);
    setAttribute(this._meanLimits, "data-off", isUnwatched(conditions, "map"));
  }
}

/**
 * Unit behind a label: those of counts a minute go without saying.
 *
 * @param {Place} place
 */
function unitLabel(place) {
  if (place === "bp") return `${unitName(place)} (${t("bp.mean")}`;
  return place === "spo2" || place === "temperature" ? unitName(place) : "";
}

/**
 * Most urgent alarm about the signs of a place.
 *
 * @param {Bed} bed
 * @param {Place} place
 */
export function alarmOf(bed, place) {
  return bed.alarms
    .filter((alarm) => alarm.signal !== "latched" && placeOf(alarm.condition) === place)
    .sort((one, other) => urgency(other) - urgency(one))[0];
}

/** @param {string} condition */
function placeOf(condition) {
  const sign = signOf(condition);
  return sign && PLACE_OF[sign];
}
