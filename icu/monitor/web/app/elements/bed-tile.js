/** A bed on the wall: one link to the patient's page, and beside it the button that acknowledges. */

import { began, foremost, isUnanswered, sounds, urgency } from "../alarms/order.js";
import { symbol, words } from "../alarms/words.js";
import { drawLines } from "../charts/spark.js";
import { acknowledge } from "../commands/acknowledge.js";
import { h, setAttribute, setText, show, showFocusable } from "../dom.js";
import { STEP } from "../live/trends.js";
import { bedsideAddress } from "../page.js";
import { settings } from "../settings.js";
import { clockMinute, clockTime, duration, t } from "../text/text.js";
import { limitsOf, placeInWords } from "../vitals/limits.js";
import { shown } from "../vitals/shown.js";
import { PLACES } from "../vitals/signs.js";
import { ABSENT } from "../vitals/units.js";
import { BedNumber } from "./bed-number.js";

/**
 * @typedef {import("../live/ward.js").Bed} Bed
 * @typedef {import("../live/ward.js").Ward} Ward
 * @typedef {import("../api.js").Alarm} Alarm
 * @typedef {import("../vitals/limits.js").Conditions} Conditions
 *
 * @typedef {object} Surroundings what a tile shows beside its bed
 * @property {Ward} ward
 * @property {boolean} fresh false while no value is: without a connection, or while nobody is watched
 * @property {number | null} now milliseconds since 1970, of the server
 * @property {(patient: string) => Conditions} limits
 * @property {import("../live/trends.js").Trends} trends
 */

export class BedTile extends HTMLElement {
  constructor() {
    super();
    this._bed = h("span", { class: "bed" });
    this._name = h("span", { class: "name" });
    this._news2 = h("span", { class: "news2" });
    this._lines = h("canvas", { "aria-hidden": "true" });
    this._hour = h("span", { class: "span" });
    this._numbers = PLACES.map((place) => new BedNumber(place));
    this._what = h("span", { class: "what" });
    this._more = h("span", { class: "more" });
    this._when = h("span", { class: "when" });
    this._by = h("span", { class: "by" });
    this._paused = h("span", { class: "silent" });
    this._shelved = h("span", { class: "silent" });
    const said = h("span", { class: "said" }, this._what, this._more, this._by, this._when);
    this._message = h("span", { class: "message" }, said, this._paused, this._shelved);
    const parts = [
      h("span", { class: "bar" }, this._bed, this._name, this._news2),
      h("span", { class: "lines" }, this._lines, this._hour),
      h("span", { class: "numbers" }, h("span", { class: "grid" }, ...this._numbers.map((each) => each.element))),
      this._message,
    ];
    // The link covers them, and its label is a sentence that says them all.
    this._face = h("div", { class: "face", "aria-hidden": "true" }, ...parts);
    this._link = h("a", { class: "cover" });
    this._word = h("span", { class: "word", "aria-hidden": "true" });
    const sign = h("span", { class: "sign", "aria-hidden": "true" }, "✓");
    this._button = h("button", { class: "acknowledge commands", type: "button" }, this._word, sign);
    this._button.addEventListener("click", () => this._acknowledge());
    /** All that the tile was drawn from. @type {unknown[]} */
    this._drawn = [];
    /** What the lines were drawn from. */
    this._lined = "";
    /** @type {Conditions | undefined} */
    this._linedWith = undefined;
    /** @type {Alarm | undefined} */
    this._alarm = undefined;
  }

  connectedCallback() {
    if (!this._link.isConnected) this.append(this._face, this._link, this._button);
  }

  /**
   * Show a bed.
   *
   * @param {Bed} bed
   * @param {Surroundings} around
   * @param {boolean} lined true where there is room for lines: a canvas is asked for its size, which costs a layout
   */
  render(bed, around, lined) {
    const { patient } = bed;
    const conditions = around.limits(patient.uuid);
    const from = inputs(bed, around, conditions);
    if (from.every((each, index) => each === this._drawn[index])) return;
    this._drawn = from;
    this._alarm = foremost(bed.alarms);
    const stale = patient.stale !== false || !around.fresh;
    setAttribute(this, "data-alarm", bed.alarms[0] ? bed.alarms[0].priority : false);
    setAttribute(this, "data-stale", stale);
    setAttribute(this, "data-old", !around.fresh);
    setAttribute(this, "data-standby", patient.standby !== null);
    setAttribute(this._link, "href", bedsideAddress(patient.uuid));
    setText(this._hour, t("trend.hour"));
    setText(this._bed, patient.bed ?? "");
    setText(this._name, patient.name ?? t("bed.unnamed"));
    this._renderNews2(patient);
    for (const each of this._numbers) each.render(bed, conditions);
    this._renderMessage(bed, around, stale);
    this._renderButton(bed, conditions);
    setAttribute(this._link, "aria-label", this._sentence(bed, around, stale));
    if (lined) this._draw(bed, around, stale, conditions);
  }

  /** Draw all anew at the next look: size, colours or words are other ones. */
  redraw() {
    this._drawn = [];
    this._lined = "";
  }

  /** @param {import("../api.js").Patient} patient */
  _renderNews2(patient) {
    const score = news2Of(patient);
    setText(this._news2, score === null ? "" : t("news2.label", { score }));
    show(this._news2, score !== null);
  }

  /**
   * @param {Bed} bed
   * @param {Surroundings} around
   * @param {boolean} stale
   */
  _renderMessage(bed, around, stale) {
    const overridden = stale || bed.patient.standby !== null;
    const alarm = overridden ? silence(bed, around) : this._alarm;
    this._paintMessage(alarm);
    setText(this._what, alarm ? marked(alarm, this._messageOf(bed, around, stale)) : this._messageOf(bed, around, stale));
    setText(this._more, overridden ? beneath(bed, this._alarm, around.limits(bed.patient.uuid)) : others(bed, this._alarm));
    setText(this._by, alarm ? authorOf(alarm) : "");
    this._renderSilences(bed, around.now);
    setText(this._when, alarm && !overridden ? clockTime(began(alarm), around.now) : "");
  }

  /**
   * @param {Bed} bed
   * @param {number | null} now
   */
  _renderSilences(bed, now) {
    const { left, shelved } = silences(bed, now);
    show(this._paused, left > 0);
    show(this._shelved, shelved > 0);
    setText(this._paused, left > 0 ? duration(left) : "");
    setText(this._shelved, shelved ? `×${shelved}` : "");
  }

  /** @param {Alarm | undefined} alarm that the message names */
  _paintMessage(alarm) {
    setAttribute(this._message, "data-alarm", alarm ? alarm.priority : false);
    setAttribute(this._message, "data-kind", alarm ? alarm.kind : false);
    setAttribute(this._message, "data-signal", alarm ? alarm.signal : false);
    setAttribute(this._message, "data-flashes", alarm && sounds(alarm) ? alarm.priority : false);
  }

  /**
   * @param {Bed} bed
   * @param {Surroundings} around
   * @param {boolean} stale
   */
  _messageOf(bed, around, stale) {
    const { standby } = bed.patient;
    if (standby) return t("bed.standby", { time: clockMinute(Date.parse(standby.until), around.now) });
    if (stale) {
      // The first beat is on its way: nobody is silent.
      if (around.ward.link === "connecting") return t("link.connecting");
      const age = around.ward.age(bed);
      return age === null ? t("bed.stale.never") : t("bed.stale", { age: duration(age) });
    }
    if (this._alarm) return words(this._alarm, bed.latest, around.limits(bed.patient.uuid));
    const made = around.ward.madeBefore(bed);
    // That old values raise none says nothing of now.
    return made === null ? t("alarm.none") : t("bed.old", { time: clockMinute(made, around.now) });
  }

  /**
   * @param {Bed} bed
   * @param {Conditions} conditions
   */
  _renderButton(bed, conditions) {
    const alarm = this._alarm;
    const waits = alarm !== undefined && isUnanswered(alarm);
    showFocusable(this._button, waits, this._link);
    if (!waits) return;
    setText(this._word, t("bed.acknowledge"));
    const label = { what: words(alarm, bed.latest, conditions), bed: bed.patient.bed ?? "" };
    setAttribute(this._button, "aria-label", t("bed.acknowledge.label", label));
  }

  /**
   * Sentence that a screen reader says for the whole tile.
   *
   * @param {Bed} bed
   * @param {Surroundings} around
   * @param {boolean} stale
   */
  _sentence(bed, around, stale) {
    const { patient } = bed;
    const conditions = around.limits(patient.uuid);
    const who = t("bed.sentence", { bed: patient.bed ?? "", name: patient.name ?? t("bed.unnamed") });
    const numbers = this._numbers.map((each) => `${placeInWords(conditions, each.place)} ${spoken(shown(bed, each.place))}`);
    const warnings = spokenAlarms(bed, this._alarm).map((alarm) => {
      const what = [words(alarm, bed.latest, conditions), acknowledgement(alarm)].filter(Boolean).join(", ");
      return `${t("alarm.sentence", { priority: t(`priority.${alarm.priority}`), what, time: clockTime(began(alarm), around.now) })}.`;
    });
    const state = stale || patient.standby || !warnings.length ? `${this._messageOf(bed, around, stale)}.` : "";
    return [who, state, ...warnings, silencesSentence(bed, around.now), `${numbers.join(", ")}.`, news2Sentence(patient)].filter(Boolean).join(" ");
  }

  /**
   * @param {Bed} bed
   * @param {Surroundings} around
   * @param {boolean} stale
   * @param {Conditions} conditions
   */
  _draw(bed, around, stale, conditions) {
    const key = linesKey(around, stale);
    if (around.now === null || (key === this._lined && conditions === this._linedWith)) return;
    this._lined = key;
    this._linedWith = conditions;
    const trends = around.trends.of(bed.patient.uuid);
    drawLines(this._lines, trends, (sign) => limitsOf(conditions, sign), around.now, stale);
  }

  _acknowledge() {
    if (this._alarm) acknowledge(this._alarm);
  }
}

customElements.define("icu-bed", BedTile);

/**
 * All that a tile is drawn from. Most events are about few beds: the others stay as they are.
 *
 * @param {Bed} bed
 * @param {Surroundings} around
 * @param {Conditions} conditions
 */
function inputs({ patient, latest, alarms }, around, conditions) {
  const isCounting = patient.stale !== false || !around.fresh || patient.paused;
  const second = isCounting && around.now !== null ? Math.floor(around.now / 1000) : null;
  return [patient, latest, alarms, conditions, around.ward.link, around.fresh, settings(), second, linesKey(around, false)];
}

/**
 * Key of the lines: they change with each bucket, and when the history was read.
 *
 * @param {Surroundings} around
 * @param {boolean} stale
 */
const linesKey = ({ now, trends }, stale) => `${now === null ? "" : Math.floor(now / STEP)} ${trends.loads} ${stale}`;

/** @param {import("../api.js").Patient} patient */
function news2Of(patient) {
  const { news2 } = patient;
  if (!news2) return null;
  if (news2.total !== null) return String(news2.total);
  return news2.partial === null ? null : `≥${news2.partial}`;
}

/** @param {import("../api.js").Patient} patient */
function news2Sentence({ news2 }) {
  if (!news2) return "";
  if (news2.total !== null) return t("news2.sentence", { score: news2.total });
  return news2.partial === null ? "" : t("news2.partial.sentence", { score: news2.partial });
}

/**
 * Alarms that the sentence of a tile names: the one that the tile names, behind a more urgent one.
 *
 * @param {Bed} bed
 * @param {Alarm | undefined} named
 */
function spokenAlarms({ alarms }, named) {
  const [first] = alarms;
  if (!first || !named) return [];
  return urgency(first) > urgency(named) ? [first, named] : [named];
}

/** @param {Alarm} alarm */
const authorOf = (alarm) => (alarm.signal === "acknowledged" ? (alarm.acknowledged?.by ?? "") : "");

/** @param {Alarm} alarm */
const acknowledgement = (alarm) => (authorOf(alarm) ? t("alarm.acknowledged.by", { by: authorOf(alarm) }) : "");

/**
 * Words with the symbol of their alarm, and a tick where somebody has acknowledged it.
 *
 * @param {Alarm} alarm
 * @param {string} said
 */
function marked(alarm, said) {
  const acknowledged = alarm.signal === "acknowledged" ? ` ${t("alarm.acknowledged")}` : "";
  return `${symbol(alarm)} ${said}${acknowledged}`;
}

/**
 * Alarm about a bed that sends nothing; none while the whole ward's values are old, which says more.
 *
 * @param {Bed} bed
 * @param {Surroundings} around
 */
const silence = ({ alarms }, { fresh }) => (fresh ? alarms.find((alarm) => alarm.condition === "data.stale") : undefined);

/**
 * Number of the alarms beside the one that is named, with the symbol of a more urgent one that somebody has seen to.
 *
 * @param {Bed} bed
 * @param {Alarm | undefined} named
 */
function others({ alarms }, named) {
  const count = alarms.length > 1 ? t("alarm.more", { count: alarms.length - 1 }) : "";
  const [first] = alarms;
  return first && urgency(first) > urgency(named) ? `${symbol(first)} ✓ ${count}` : count;
}

/**
 * Alarm beneath a message of another kind: without data, or in standby.
 *
 * @param {Bed} bed
 * @param {Alarm | undefined} alarm
 * @param {Conditions} conditions
 */
function beneath({ latest }, alarm, conditions) {
  return alarm && alarm.condition !== "data.stale" ? `${symbol(alarm)} ${words(alarm, latest, conditions)}` : "";
}

/** @param {import("../vitals/shown.js").Shown} value */
function spoken({ digits, mean, why }) {
  return [digits === ABSENT ? t("value.absent") : digits, mean, why && `(${why})`].filter(Boolean).join(" ");
}

/**
 * Silences of a bed: milliseconds that are left of its pause, and the number of shelved alarms.
 *
 * @param {Bed} bed
 * @param {number | null} now
 */
function silences({ patient, alarms }, now) {
  const left = patient.paused && now !== null ? Date.parse(patient.paused.until) - now : 0;
  return { left, shelved: alarms.filter((alarm) => alarm.inhibition === "shelved").length };
}

/**
 * @param {Bed} bed
 * @param {number | null} now
 */
function silencesSentence(bed, now) {
  const { left, shelved } = silences(bed, now);
  const paused = left > 0 ? t("bed.paused", { left: duration(left) }) : "";
  return [paused, shelved ? t("bed.shelved", { count: shelved }) : ""].filter(Boolean).map((each) => `${each}.`).join(" ");
}
