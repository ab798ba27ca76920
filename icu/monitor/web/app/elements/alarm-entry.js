/** One alarm of the list: since when, who has seen to it, and what may be done. */

import { began, isUnanswered, sounds } from "../alarms/order.js";
import { symbol, words } from "../alarms/words.js";
import { acknowledge } from "../commands/acknowledge.js";
import { openShelve } from "../dialogs/shelve.js";
import { h, setAttribute, setText, showFocusable } from "../dom.js";
import { clockMinute, clockTime, t } from "../text/text.js";
import { hasLimits } from "../vitals/limit-form.js";

/**
 * @typedef {import("../live/ward.js").Bed} Bed
 * @typedef {import("../api.js").Alarm} Alarm
 * @typedef {import("../vitals/limits.js").Conditions} Conditions
 */

export class AlarmEntry {
  /** @param {() => void} openLimits */
  constructor(openLimits) {
    /** @type {Alarm | undefined} */
    this._alarm = undefined;
    /** @type {Bed | undefined} */
    this._bed = undefined;
    this._symbol = h("span", { class: "symbol" });
    this._what = h("strong");
    this._since = h("small");
    this._acknowledge = button(() => this._alarm && acknowledge(this._alarm));
    this._shelve = button(() => this._alarm && openShelve(this._alarm, this._bed?.latest ?? null));
    this._limits = button(openLimits);
    const text = h("span", { class: "text" }, this._what, this._since);
    const buttons = h("span", { class: "buttons commands" }, this._acknowledge, this._shelve, this._limits);
    this.element = h("li", {}, this._symbol, text, buttons);
  }

  /**
   * @param {Alarm} alarm
   * @param {Bed} bed
   * @param {number | null} now
   * @param {Conditions} conditions limits in force
   */
  render(alarm, bed, now, conditions) {
    [this._alarm, this._bed] = [alarm, bed];
    const what = words(alarm, bed.latest, conditions);
    setAttribute(this.element, "data-alarm", alarm.priority);
    setAttribute(this._symbol, "data-flashes", sounds(alarm) ? alarm.priority : false);
    setText(this._symbol, symbol(alarm));
    setAttribute(this._symbol, "role", "img");
    setAttribute(this._symbol, "aria-label", `${alarm.kind === "technical" ? `${t("alarm.technical")}, ` : ""}${t(`priority.${alarm.priority}`)}`);
    setText(this._what, what);
    setText(this._since, history(alarm, now));
    this._renderButton(this._acknowledge, "acknowledge", isUnanswered(alarm), what);
    // The server takes no high ones, and none that are over.
    const mayShelve = alarm.priority !== "high" && alarm.inhibition !== "shelved" && alarm.signal !== "latched";
    this._renderButton(this._shelve, "shelve", mayShelve, what);
    this._renderButton(this._limits, "limits", hasLimits(alarm), what);
  }

  /**
   * @param {HTMLButtonElement} element
   * @param {"acknowledge" | "shelve" | "limits"} name
   * @param {boolean} shown
   * @param {string} what
   */
  _renderButton(element, name, shown, what) {
    setText(element, t(`alarm.do.${name}`));
    setAttribute(element, "aria-label", t(`alarm.do.${name}.label`, { what }));
    // The focus stays at the alarm.
    const next = [this._shelve, this._limits, this._acknowledge].find((each) => each !== element && !each.hidden);
    showFocusable(element, shown, next ?? this.element);
  }
}

/** @param {() => unknown} act */
function button(act) {
  const made = h("button", { type: "button" });
  made.addEventListener("click", act);
  return made;
}

/**
 * @param {Alarm} alarm
 * @param {number | null} now
 */
function history(alarm, now) {
  const parts = [t("alarm.since", { time: clockTime(began(alarm), now) })];
  const { acknowledged, shelved } = alarm;
  if (acknowledged) parts.push(t("alarm.acknowledged.at", { by: acknowledged.by, time: clockTime(Date.parse(acknowledged.at), now) }));
  if (shelved) parts.push(t("alarm.shelved", { by: shelved.by, time: clockMinute(Date.parse(shelved.until), now), why: shelved.why }));
  return parts.join(" · ");
}
