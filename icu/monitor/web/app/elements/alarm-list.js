/** All alarms of a patient, the most urgent first: since when, who acknowledged, and the button that does. */

import { began, isUnanswered } from "../alarms/order.js";
import { symbol, words } from "../alarms/words.js";
import { acknowledge } from "../commands/acknowledge.js";
import { h } from "../dom.js";
import { clockTime, t } from "../text/text.js";

/**
 * @typedef {import("../live/ward.js").Bed} Bed
 * @typedef {import("../api.js").Alarm} Alarm
 */

export class AlarmList extends HTMLElement {
  constructor() {
    super();
    this._title = h("h2");
    this._entries = h("ul");
    /** What the entries were made from: a button in use must not be made anew each second. */
    this._made = "";
  }

  connectedCallback() {
    if (!this._title.isConnected) this.append(this._title, this._entries);
  }

  /**
   * @param {Bed} bed
   * @param {number | null} now
   */
  render(bed, now) {
    const title = t(bed.alarms.length ? "alarms.title" : "alarm.none");
    const lines = bed.alarms.map((alarm) => [symbol(alarm), words(alarm, bed.latest), since(alarm, now), alarm.seen]);
    const made = JSON.stringify([title, lines]);
    if (made === this._made) return;
    this._made = made;
    this._title.textContent = title;
    this._entries.replaceChildren(...bed.alarms.map((alarm) => entry(alarm, bed, now)));
  }
}

customElements.define("icu-alarms", AlarmList);

/**
 * @param {Alarm} alarm
 * @param {Bed} bed
 * @param {number | null} now
 */
function entry(alarm, bed, now) {
  const what = words(alarm, bed.latest);
  const item = h(
    "li",
    { "data-alarm": alarm.priority },
    h("span", { class: "symbol" }, symbol(alarm)),
    h("span", { class: "text" }, h("strong", {}, what), h("small", {}, since(alarm, now))),
  );
  if (isUnanswered(alarm)) {
    const label = t("bed.acknowledge.label", { what, bed: bed.patient.bed ?? "" });
    const button = h("button", { type: "button", "aria-label": label }, t("bed.acknowledge"));
    button.addEventListener("click", () => acknowledge(alarm));
    item.append(button);
  }
  return item;
}

/**
 * @param {Alarm} alarm
 * @param {number | null} now
 */
function since(alarm, now) {
  const begin = t("alarm.since", { time: clockTime(began(alarm), now) });
  if (!alarm.acknowledged) return begin;
  return `${begin} · ${t("alarm.acknowledged.by", { by: alarm.acknowledged.by })}`;
}
