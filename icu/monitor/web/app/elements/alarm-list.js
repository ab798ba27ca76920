/** All alarms of a patient, the most urgent first. */

import { h, setText } from "../dom.js";
import { t } from "../text/text.js";
import { signOf } from "../vitals/signs.js";
import { AlarmEntry } from "./alarm-entry.js";
import { flashInPhase } from "./flashing.js";

/**
 * @typedef {import("../live/ward.js").Bed} Bed
 * @typedef {import("../vitals/signs.js").SignName} SignName
 */

export class AlarmList extends HTMLElement {
  /** @param {(sign: SignName | undefined) => void} openLimits */
  constructor(openLimits) {
    super();
    this._openLimits = openLimits;
    this._title = h("h2");
    this._list = h("ul");
    /** By alarm: a button in use must not be made anew. @type {Map<string, AlarmEntry>} */
    this._entries = new Map();
  }

  connectedCallback() {
    if (this._title.isConnected) return;
    this.append(this._title, this._list);
    flashInPhase(this);
  }

  /**
   * @param {Bed} bed
   * @param {number | null} now
   * @param {boolean} fresh the ward's alarms are those of now
   * @param {import("../vitals/limits.js").Conditions} conditions limits in force
   */
  render(bed, now, fresh, conditions) {
    setText(this._title, t(titleOf(bed, fresh)));
    const shown = new Set(bed.alarms.map((alarm) => alarm.id));
    for (const [id, entry] of this._entries) if (!shown.has(id)) this._remove(id, entry);
    const entries = bed.alarms.map((alarm) => this._entry(alarm));
    entries.forEach((entry, index) => {
      const alarm = bed.alarms[index];
      if (alarm) entry.render(alarm, bed, now, conditions);
      // Only what stands elsewhere is moved: a move takes the focus away.
      if (this._list.children[index] !== entry.element) this._place(entry.element, index);
    });
  }

  /** @param {import("../api.js").Alarm} alarm */
  _entry(alarm) {
    const known = this._entries.get(alarm.id);
    if (known) return known;
    const made = new AlarmEntry(() => this._openLimits(signOf(alarm.condition)));
    this._entries.set(alarm.id, made);
    return made;
  }

  /**
   * @param {string} id
   * @param {AlarmEntry} entry
   */
  _remove(id, entry) {
    const focused = entry.element.contains(document.activeElement);
    entry.element.remove();
    this._entries.delete(id);
    // Whoever acknowledged the last of it goes on from here, and not from the top of the page.
    if (focused) this._focusTitle();
  }

  _focusTitle() {
    this._title.tabIndex = -1;
    this._title.focus();
  }

  /**
   * @param {HTMLElement} element
   * @param {number} index
   */
  _place(element, index) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    this._list.insertBefore(element, this._list.children[index] ?? null);
    if (focused && element.contains(focused)) focused.focus();
  }
}

customElements.define("icu-alarms", AlarmList);

/**
 * Title of the list. Nobody says that there is no alarm where none could be.
 *
 * @param {Bed} bed
 * @param {boolean} fresh
 */
function titleOf({ patient, alarms }, fresh) {
  if (!fresh) return "alarms.unknown";
  if (alarms.length) return "alarms.title";
  return patient.bed === null || patient.standby ? "alarms.unwatched" : "alarm.none";
}
