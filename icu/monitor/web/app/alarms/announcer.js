/** Announcements of new alarms for screen readers: new ones only, never values. */

import { h, setText } from "../dom.js";
import { t } from "../text/text.js";
import { words } from "./words.js";

export class Announcer {
  constructor() {
    this.element = h("p", { class: "announcements", role: "status", "aria-live": "assertive" });
    /** Alarms that were there at the last look; null before the first one. @type {Set<string> | null} */
    this._known = null;
  }

  /** @param {import("../live/ward.js").Ward} ward */
  render(ward) {
    const alarms = ward.admitted.flatMap((bed) => bed.alarms.map((alarm) => ({ bed, alarm })));
    const known = this._known;
    this._known = new Set(alarms.map(({ alarm }) => `${alarm.id} ${alarm.priority}`));
    if (known === null) return;
    const fresh = alarms.filter(({ alarm }) => alarm.signal === "on" && !known.has(`${alarm.id} ${alarm.priority}`));
    if (fresh.length) setText(this.element, fresh.map(({ bed, alarm }) => sentence(bed, alarm)).join(". "));
  }
}

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
