/** The line on top of each page: the ward, the connection, the counts, and what a person may choose. */

import { TRIANGLES } from "../alarms/words.js";
import { silenceWard } from "../commands/silence.js";
import { h, setAttribute, setText, show } from "../dom.js";
import { WARD } from "../page.js";
import { change, settings } from "../settings.js";
import { clockTime, duration, plural, t } from "../text/text.js";
import { SessionState } from "./session-state.js";
import { openSettings } from "./settings-dialog.js";

/** @typedef {import("../live/ward.js").Ward} Ward */

const PRIORITIES = /** @type {const} */ (["high", "medium", "low"]);

export class WardHeader extends HTMLElement {
  constructor() {
    super();
    this._title = h("a", { class: "title", href: WARD });
    this._link = h("span", { class: "link" });
    this._clock = h("time", { class: "clock" });
    this._beds = h("span");
    this._counts = PRIORITIES.map((priority) => h("span", { "data-priority": priority }));
    this._stale = h("span");
    this._disclaimer = h("span", { class: "disclaimer" });
    this._order = h("select", { name: "order" });
    this._order.addEventListener("change", () =>
      change({ order: this._order.value === "severity" ? "severity" : "bed" }),
    );
    this._nobody = h("span", { class: "nobody" });
    this._sound = h("button", { type: "button", class: "sound" });
    this._silence = h("button", { type: "button", class: "commands" });
    this._silence.addEventListener("click", () => silenceWard());
    this._language = h("button", { type: "button", class: "language" });
    this._language.addEventListener("click", () => change({ language: settings().language === "en" ? "ru" : "en" }));
    this._settings = h("button", { type: "button" });
    this._settings.addEventListener("click", () => openSettings());
    this._session = new SessionState();
  }

  /** Button that turns the sound on and off. */
  get soundButton() {
    return this._sound;
  }

  connectedCallback() {
    const summary = h("span", { class: "summary" }, this._beds, ...this._counts, this._stale);
    const state = h("div", { class: "state" }, h("h1", {}, this._title), this._link, this._clock, summary);
    // A page of one bed has no order.
    const order = document.documentElement.dataset.page === "ward" ? [this._order] : [];
    const controls = [...order, this._nobody, this._sound, this._silence, this._language, this._settings, this._session];
    this.append(state, h("div", { class: "controls" }, this._disclaimer, ...controls));
    this.putWords();
  }

  /** Put the words of the chosen language. */
  putWords() {
    setText(this._disclaimer, t("page.disclaimer"));
    setText(this._nobody, t("sound.nobody"));
    setAttribute(this._order, "aria-label", t("order.label"));
    const chosen = settings().order;
    this._order.replaceChildren(h("option", { value: "bed" }, t("order.bed")), h("option", { value: "severity" }, t("order.severity")));
    this._order.value = chosen;
    setText(this._silence, t("silence.ward"));
    setText(this._language, t("language.other"));
    setAttribute(this._language, "aria-label", `${t("language.other")}: ${t("language.switch")}`);
    setAttribute(this._language, "lang", settings().language === "en" ? "ru" : "en");
    setText(this._settings, t("settings.open"));
  }

  /**
   * @param {Ward} ward
   * @param {string} title beside the ward's name, on the page of a bed
   */
  render(ward, title = "") {
    this._session.render();
    const now = ward.clock.now();
    const name = t("page.title", { ward: ward.state?.name ?? "" });
    setText(this._title, title ? `‹ ${name} · ${title}` : name);
    setText(this._clock, now === null ? "" : clockTime(now));
    setAttribute(this, "data-link", ward.link === "live" && ward.blindSince ? "blind" : ward.link);
    setText(this._link, linkText(ward, now));
    const beds = ward.admitted;
    setText(this._beds, plural("beds", beds.length));
    for (const [index, priority] of PRIORITIES.entries()) this._renderCount(index, priority, ward);
    const stale = beds.filter((bed) => bed.patient.stale !== false && !bed.patient.standby).length;
    setText(this._stale, stale ? t("count.stale", { count: stale }) : "");
  }

  /**
   * Say whether anybody hears the alarms.
   *
   * @param {boolean} isHeard
   */
  renderSound(isHeard) {
    show(this._nobody, !isHeard);
  }

  /**
   * @param {number} index
   * @param {"high" | "medium" | "low"} priority
   * @param {Ward} ward
   */
  _renderCount(index, priority, ward) {
    const count = ward.admitted.flatMap((bed) => bed.alarms).filter((alarm) => alarm.priority === priority).length;
    const element = /** @type {HTMLElement} */ (this._counts[index]);
    setText(element, count ? `${TRIANGLES[priority]} ${count}` : "");
    setAttribute(element, "aria-label", count ? `${t(`count.${priority}`)} ${count}` : false);
    setAttribute(element, "role", count ? "img" : false);
    show(element, count > 0);
  }
}

customElements.define("icu-header", WardHeader);

/**
 * @param {Ward} ward
 * @param {number | null} now
 */
function linkText(ward, now) {
  if (ward.link === "lost") {
    const since = ward.lostSince;
    return t("link.lost", { age: since === null || now === null ? "" : duration(Math.max(0, now - since)) });
  }
  if (ward.link === "live" && ward.blindSince) {
    return t("link.blind", { time: clockTime(Date.parse(ward.blindSince), now) });
  }
  return t(`link.${ward.link}`);
}
