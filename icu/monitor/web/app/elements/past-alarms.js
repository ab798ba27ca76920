/** Alarms of a patient that are over, the newest first, behind a line that opens. */

import { began } from "../alarms/order.js";
import { symbol, words } from "../alarms/words.js";
import { h, setAttribute, setText, show } from "../dom.js";
import { clockTime, t } from "../text/text.js";

/** @typedef {import("../api.js").Alarm} Alarm */

export class PastAlarms extends HTMLElement {
  /** @param {import("../live/asked.js").Asked<Alarm[]>} alarms */
  constructor(alarms) {
    super();
    this._alarms = alarms;
    this._summary = h("summary");
    // In reach of a keyboard, which scrolls it.
    this._list = h("ul", { tabindex: "0" });
    this._details = h("details", {}, this._summary, this._list);
    this._made = "";
  }

  connectedCallback() {
    this.replaceChildren(this._details);
  }

  /** @param {number | null} now */
  render(now) {
    const over = (this._alarms.answer ?? []).filter((alarm) => alarm.ended !== null && alarm.raised !== null);
    show(this, over.length > 0);
    const title = t("alarms.past", { count: over.length });
    setText(this._summary, title);
    setAttribute(this._list, "aria-label", title);
    const lines = over.map((alarm) => [alarm, span(alarm, now)]);
    const made = JSON.stringify([document.documentElement.lang, lines]);
    if (made === this._made) return;
    this._made = made;
    this._list.replaceChildren(...over.map((alarm) => entry(alarm, now)));
  }
}

customElements.define("icu-past", PastAlarms);

/**
 * @param {Alarm} alarm
 * @param {number | null} now
 */
function entry(alarm, now) {
  const sign = h("span", { class: "symbol", role: "img", "aria-label": t(`priority.${alarm.priority}`) }, symbol(alarm));
  return h("li", {}, sign, h("span", { class: "text" }, words(alarm, null), h("small", {}, span(alarm, now))));
}

/**
 * @param {Alarm} alarm
 * @param {number | null} now
 */
function span(alarm, now) {
  const times = `${clockTime(began(alarm), now)} – ${clockTime(Date.parse(alarm.ended ?? ""), now)}`;
  return alarm.acknowledged ? `${times} · ${t("alarm.acknowledged.by", { by: alarm.acknowledged.by })}` : times;
}
