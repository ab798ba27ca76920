/** NEWS2 of a patient: the score, its points by input, and the inputs that people enter. */

import { openNews2 } from "../dialogs/news2.js";
import { h, setAttribute, setText, show } from "../dom.js";
import { PATIENT } from "../page.js";
import { clockTime, isKey, t } from "../text/text.js";
import { format } from "../vitals/units.js";

/** @typedef {import("../api.js").Schemas["News2"]} News2 */

export class News2Box extends HTMLElement {
  /** @param {import("../live/asked.js").Asked<News2>} news2 */
  constructor(news2) {
    super();
    this._news2 = news2;
    this._title = h("h2");
    this._points = h("p");
    this._entered = h("small");
    this._enter = h("button", { type: "button", class: "commands" });
    this._enter.addEventListener("click", () => this._open());
  }

  connectedCallback() {
    if (this._title.isConnected) return;
    this.append(h("div", { class: "text" }, this._title, this._points, this._entered), this._enter);
  }

  /**
   * @param {number | null} now
   * @param {boolean} fresh the score is that of now
   */
  render(now, fresh) {
    const news2 = this._news2.answer;
    show(this, news2 !== null);
    setAttribute(this, "data-stale", !fresh);
    if (!news2) return;
    setText(this._title, title(news2));
    setText(this._points, points(news2));
    setText(this._entered, entered(news2, now));
    setText(this._enter, t("news2.open"));
  }

  _open() {
    const { answer } = this._news2;
    if (answer) openNews2(PATIENT, answer.entered);
  }
}

customElements.define("icu-news2", News2Box);

/** @param {News2} news2 */
function title({ total, partial, category, points: all }) {
  if (total === null) return partial === null ? t("news2.none") : t("news2.partial", { score: partial });
  const alone = Object.entries(all).find(([, score]) => score === 3);
  const why = category === "low-medium" && alone ? ` (${t("news2.alone", { sign: inputName(alone[0]) })})` : "";
  return `NEWS2 ${total}: ${t(`news2.category.${category ?? "zero"}`)}${why}`;
}

/** @param {News2} news2 */
function points({ points: all, inputs, missing }) {
  /** @type {Record<string, { value: number } | null | undefined>} */
  const values = { ...inputs };
  const scored = Object.entries(all)
    .filter(([, score]) => score)
    .map(([name, score]) => `${inputName(name)} ${values[name] ? `${format(name, values[name]?.value)} ` : ""}(${score})`);
  const lost = missing.map((name) => t("news2.missing", { sign: inputName(name) }));
  return [...scored, ...lost].join(", ");
}

/**
 * @param {News2} news2
 * @param {number | null} now
 */
function entered({ entered: { oxygen, consciousness, scale, by, at } }, now) {
  const what = [t(`news2.oxygen.${oxygen}`), t(`news2.consciousness.${consciousness}`), t(`news2.scale.${scale}`)].join(", ");
  if (by === null || at === null) return t("news2.assumed", { what });
  return t("news2.entered", { what, by, time: clockTime(Date.parse(at), now) });
}

/** @param {string} name */
function inputName(name) {
  const key = name === "oxygen" || name === "consciousness" ? `news2.${name}` : `sign.${name}`;
  return isKey(key) ? t(key) : name;
}
