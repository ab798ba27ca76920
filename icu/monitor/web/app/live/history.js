/** Buckets of one patient for the time that is shown: read whole, and then only from where readings have come in. */

import { decode, joined, nothing } from "../charts/columns.js";
import { every } from "../charts/steps.js";

/**
 * @typedef {import("../charts/columns.js").Columns} Columns
 * @typedef {object} Wanted
 * @property {number} from milliseconds since 1970
 * @property {number | null} to null has no end
 * @property {number} span milliseconds that are shown
 * @property {number} step milliseconds of a bucket
 */

/** Milliseconds between two looks for what has come in: a tenth of a bucket, within these. */
const LOOK_EVERY = [2000, 30_000];

/** Milliseconds until a failed reading is tried again. */
const RETRY_AFTER = 5000;

export class History {
  /**
   * @param {string} patient
   * @param {typeof import("../api.js").readPast} read
   */
  constructor(patient, read) {
    this._patient = patient;
    this._ask = read;
    /** @type {Columns} */
    this.columns = nothing();
    /** Milliseconds of a bucket of the columns. */
    this.step = 1000;
    /** Milliseconds since 1970 before which all was deleted; null where nothing was. @type {number | null} */
    this.since = null;
    /** Rises with each change of the columns. */
    this.version = 0;
    /** True while nothing is known of the time that is shown, because the answer has not come. */
    this.waits = true;
    /** True while the last answer did not come. */
    this.failed = false;
    /** @type {Wanted | null} */
    this._wanted = null;
    /** Begin of the oldest reading that came in since the last answer. @type {number | null} */
    this._news = null;
    /** @type {Set<() => void>} */
    this._listeners = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._next = undefined;
  }

  /**
   * Call a function after each change.
   *
   * @param {() => void} listener
   */
  onChange(listener) {
    this._listeners.add(listener);
  }

  /**
   * Read a time anew. What is shown stays until the answer comes.
   *
   * @param {Wanted} wanted
   */
  async load(wanted) {
    clearTimeout(this._next);
    this._next = undefined;
    this._wanted = wholeBuckets(wanted);
    this._news = null;
    this.waits = true;
    await this._read(this._wanted.from, (tail, since) => {
      [this.columns, this.step, this.since, this.waits] = [tail, wanted.step, since, false];
    });
  }

  /**
   * Take notice of readings of the stream.
   *
   * @param {import("../api.js").PatientReading[]} readings
   */
  notice(readings) {
    for (const each of readings) {
      if (each.patient_uuid !== this._patient || !this._wanted) continue;
      const time = Date.parse(each.timestamp);
      if (time < this._wanted.from || time >= (this._wanted.to ?? Infinity)) continue;
      this._news = Math.min(this._news ?? time, time);
      this._lookAfter(this._pause());
    }
  }

  /** @param {number} delay */
  _lookAfter(delay) {
    this._next ??= setTimeout(() => {
      this._next = undefined;
      this._look();
    }, delay);
  }

  async _look() {
    if (!this._wanted) return;
    if (this.waits) return this.load(this._wanted);
    if (this._news === null) return;
    const { step, span, from, to } = this._wanted;
    const begin = Math.floor(this._news / step) * step;
    this._news = null;
    await this._read(begin, (tail) => {
      // A page that follows for days keeps what it shows, and no more.
      const since = to === null ? (tail.times.at(-1) ?? begin) - span : from;
      this.columns = joined(this.columns, tail, begin, since);
    });
  }

  /**
   * @param {number} from
   * @param {(tail: Columns, since: number | null) => void} take
   */
  async _read(from, take) {
    const wanted = this._wanted;
    if (!wanted) return;
    try {
      const { answer, since } = await this._ask(`patient/${this._patient}/metrics`, query(from, wanted));
      // Somebody looks at another time meanwhile.
      if (this._wanted !== wanted) return;
      take(decode(answer), since);
      this.failed = false;
    } catch (error) {
      if (this._wanted !== wanted) return;
      console.warn("the history could not be read:", error instanceof Error ? error.message : error);
      this.failed = true;
      this._news = Math.min(this._news ?? from, from);
      this._lookAfter(RETRY_AFTER);
    }
    this.version++;
    for (const each of this._listeners) each();
  }

  _pause() {
    const [shortest = 0, longest = 0] = LOOK_EVERY;
    return Math.min(Math.max((this._wanted?.step ?? 0) / 10, shortest), longest);
  }
}

/**
 * The same with ends at whole buckets: of what is deleted only whole minutes and hours are left, and no bucket at an
 * edge is made of a part of its readings.
 *
 * @param {Wanted} wanted
 * @returns {Wanted}
 */
function wholeBuckets({ from, to, step, ...more }) {
  const end = to === null ? null : Math.ceil(to / step) * step;
  return { from: Math.floor(from / step) * step, to: end, step, ...more };
}

/**
 * @param {number} from
 * @param {Wanted} wanted
 * @returns {Record<string, string>}
 */
function query(from, { to, step }) {
  const span = { from: new Date(from).toISOString(), every: every(step), format: "columns" };
  return to === null ? span : { ...span, to: new Date(to).toISOString() };
}
