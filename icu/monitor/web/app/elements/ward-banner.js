/** A bar that covers nothing and cannot be overlooked: the connection is lost, or nobody is watched. */

import { h, setText, show } from "../dom.js";
import { clockTime, t } from "../text/text.js";

export class WardBanner extends HTMLElement {
  constructor() {
    super();
    this._text = h("p", { role: "alert" });
  }

  connectedCallback() {
    if (!this._text.isConnected) this.append(this._text);
  }

  /** @param {import("../live/ward.js").Ward} ward */
  render(ward) {
    const text = trouble(ward);
    setText(this._text, text);
    show(this, text !== "");
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
