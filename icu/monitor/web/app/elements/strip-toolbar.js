/** Choice of the time that the strips show: ranges, closer and wider, earlier and later. */

import { RANGES, moved, newest, zoomed } from "../charts/view.js";
import { h, setAttribute, setText } from "../dom.js";
import { clockTime, span, t } from "../text/text.js";

/** @typedef {import("../charts/view.js").View} View */

/** Part of the span by which earlier and later go. */
const PART = 0.5;

/** Buttons beside the ranges. @type {[import("../text/text.js").Key, string, (view: View, now: number) => View][]} */
const MOVES = [
  ["strips.earlier", "‹", (view, now) => moved(view, -PART, now)],
  ["strips.later", "›", (view, now) => moved(view, PART, now)],
  ["strips.closer", "+", (view, now) => zoomed(view, 0.5, now)],
  ["strips.wider", "−", (view, now) => zoomed(view, 2, now)],
];

export class StripToolbar extends HTMLElement {
  /** @param {(change: (view: View, now: number) => View) => void} change called with what a button does to the view */
  constructor(change) {
    super();
    this._ranges = RANGES.map((range) => button(() => change(() => newest(range))));
    this._moves = MOVES.map(([, , move]) => button(() => change(move)));
    this._now = button(() => change((view) => newest(view.span)));
    this._shown = h("span", { class: "shown", role: "status" });
    this._group = h("div", { role: "group", class: "ranges" }, ...this._ranges);
  }

  connectedCallback() {
    if (this._group.isConnected) return;
    this.append(this._group, h("div", { class: "moves" }, ...this._moves, this._now), this._shown);
  }

  /**
   * @param {View} view
   * @param {number} now
   * @param {string} remark what to say beside the time
   */
  render(view, now, remark) {
    setAttribute(this._group, "aria-label", t("strips.range"));
    this._ranges.forEach((each, index) => {
      const range = RANGES[index] ?? 0;
      setText(each, span(range));
      setAttribute(each, "aria-pressed", String(view.end === null && view.span === range));
    });
    this._moves.forEach((each, index) => {
      const [key, sign] = MOVES[index] ?? ["strips.closer", ""];
      setText(each, sign);
      setAttribute(each, "aria-label", t(key));
      setAttribute(each, "title", t(key));
    });
    setText(this._now, t("strips.now"));
    setAttribute(this._now, "aria-pressed", String(view.end === null));
    const end = view.end === null ? "" : `${clockTime(view.end - view.span, now)} – ${clockTime(view.end, now)}`;
    setText(this._shown, [end, remark].filter(Boolean).join(" · "));
  }
}

customElements.define("icu-strip-toolbar", StripToolbar);

/** @param {() => void} act */
function button(act) {
  const made = h("button", { type: "button" });
  made.addEventListener("click", act);
  return made;
}
