/** Announcements for screen readers: new alarms, and a connection that is back. Never values. */

import { h, setText } from "../dom.js";
import { t } from "../text/text.js";
import { words } from "./words.js";

/** Milliseconds after which an announcement is taken away, so that the same words are said again the next time. */
const STANDS_FOR = 10_000;

/** @typedef {import("../live/ward.js").Ward} Ward */

export class Announcer {
  constructor() {
    this.element = h("p", { class: "announcements", "aria-live": "assertive" });
    /** Alarms that were there at the last look; null before the first one. @type {Set<string> | null} */
    this._known = null;
    this._wasLost = false;
  }

  /** @param {Ward} ward */
  render(ward) {
    const sentences = [...this._returned(ward), ...this._fresh(ward)];
    if (!sentences.length) return;
    setText(this.element, sentences.join(". "));
    clearTimeout(this._end);
    this._end = setTimeout(() => setText(this.element, ""), STANDS_FOR);
  }

  /** @param {Ward} ward */
  _returned(ward) {
    const wasLost = this._wasLost;
    this._wasLost = ward.link === "lost";
    return wasLost && !this._wasLost ? [t("link.live")] : [];
  }

  /** @param {Ward} ward */
  _fresh(ward) {
    const alarms = ward.admitted.flatMap((bed) => bed.alarms.map((alarm) => ({ bed, alarm })));
    const known = this._known;
    if (!ward.state) return [];
    this._known = new Set(alarms.map(({ alarm }) => keyOf(alarm)));
    if (known === null) return [];
    return alarms
      .filter(({ alarm }) => alarm.signal === "on" && alarm.inhibition === "none" && !known.has(keyOf(alarm)))
      .map(({ bed, alarm }) => sentence(bed, alarm));
  }
}

/**
 * Key of what was announced: an alarm that has become more urgent is news.
 *
 * @param {import("../api.js").Alarm} alarm
 */
const keyOf = ({ id, priority }) => `${id} ${priority}`;

/**
 * @param {import("../live/ward.js").Bed} bed
 * @param {import("../api.js").Alarm} alarm
 */
function sentence({ patient, latest }, alarm) {
  return t("announce.alarm", {
    bed: patient.bed ?? "",
    name: patient.name ?? t("bed.unnamed"),
    priority: t(`priority.${alarm.priority}`),
    what: words(alarm, latest),
  });
}
