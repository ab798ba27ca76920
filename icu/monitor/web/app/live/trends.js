/** Trends of all patients over the last hour, for the lines on the tiles. */

import { read } from "../api.js";
import { timesOf } from "../charts/columns.js";
import { valueOf } from "../vitals/signs.js";
import { Trend } from "./trend.js";

/** @typedef {import("../vitals/signs.js").SignName} SignName */

/** Signs of the lines, from the top. @type {SignName[]} */
export const LINES = ["pulse", "spo2", "systolic", "diastolic", "resp_rate"];

const HOUR = 3_600_000;

/** Milliseconds of a bucket: about one for two pixels. */
export const STEP = 30_000;

/** Milliseconds until the history is asked for again, where it could not be read: a hole must not stay. */
const AGAIN_AFTER = 5000;

export class Trends {
  constructor() {
    /** @type {Map<string, Map<SignName, Trend>>} */
    this._patients = new Map();
    /** Number of times that the history was read. */
    this.loads = 0;
  }

  /**
   * Trends of a patient by sign.
   *
   * @param {string} patient
   */
  of(patient) {
    const known = this._patients.get(patient);
    if (known) return known;
    const made = new Map(LINES.map((sign) => [sign, new Trend(STEP, HOUR / STEP)]));
    this._patients.set(patient, made);
    return made;
  }

  /**
   * Read the last hour of all patients, until it works.
   *
   * @param {number} now milliseconds since 1970, of the server
   */
  async load(now) {
    clearTimeout(this._again);
    try {
      await this._read(now);
    } catch (error) {
      console.warn("the history could not be read:", error instanceof Error ? error.message : error);
      this._again = setTimeout(() => this.load(now + AGAIN_AFTER), AGAIN_AFTER);
    }
  }

  /** @param {number} now */
  async _read(now) {
    const query = { from: new Date(now - HOUR).toISOString(), every: `${STEP / 1000}s`, signs: LINES.join(",") };
    const { patients } = await read("ward/history", query);
    for (const { uuid, scale, columns, ...axis } of patients) {
      const times = timesOf(axis, Object.values(columns)[0]?.mean.length ?? 0);
      for (const sign of LINES) {
        const column = columns[sign];
        if (!column) continue;
        const means = column.mean.map((/** @type {number | null} */ mean) => mean && mean / scale[sign]);
        this.of(uuid).get(sign)?.fill(times, means, column.count);
      }
    }
    this.loads++;
  }

  /**
   * Add readings of the stream.
   *
   * @param {import("../api.js").PatientReading[]} readings
   */
  add(readings) {
    for (const each of readings) {
      const time = Date.parse(each.timestamp);
      for (const [sign, trend] of this.of(each.patient_uuid)) {
        const value = valueOf(each, sign);
        if (value !== null) trend.add(time, value);
      }
    }
  }
}
