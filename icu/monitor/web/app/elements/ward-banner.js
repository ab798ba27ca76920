/** A bar that covers nothing and cannot be overlooked: the connection is lost, or nobody is watched. */

import { isUnanswered } from "../alarms/order.js";
import { acknowledge } from "../commands/acknowledge.js";
import { h, setText, showFocusable } from "../dom.js";
import { clockTime, t } from "../text/text.js";

export class WardBanner extends HTMLElement {
  constructor() {
    super();
    this._text = h("p", { role: "alert" });
    this._button = h("button", { type: "button", class: "commands" });
    this._button.addEventListener("click", () => this._alarm && acknowledge(this._alarm));
    /** Alarm of the ward that waits for somebody. @type {import("../api.js").Alarm | undefined} */
    this._alarm = undefined;
  }

  connectedCallback() {
    if (!this._text.isConnected) this.append(this._text, this._button);
  }

  /** @param {import("../live/ward.js").Ward} ward */
  render(ward) {
    const text = trouble(ward);
    setText(this._text, text);
    showFocusable(this, text !== "");
    this._alarm = ward.link === "lost" ? undefined : ward.alarms.find(isUnanswered);
    showFocusable(this._button, this._alarm !== undefined);
    setText(this._button, t("alarm.acknowledge"));
  }
}

customElements.define("icu-banner", WardBanner);

/** @param {import("../live/ward.js").Ward} ward */
function trouble(ward) {
  const now = ward.clock.now();
  if (ward.link === "lost") {
    const time = ward.lostSince === null ? "" : clockTime(ward.lostSince, now);
    return t("lost.banner", { time });
  }
  if (!ward.blindSince) return "";
  return t("blind.banner", {
    time: clockTime(Date.parse(ward.blindSince), now),
    behind: t(`behind.${ward.behind ?? "sink"}`),
  });
}
