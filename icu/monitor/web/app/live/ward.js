/** The ward as the page knows it: patients, their last readings and their alarms, from answers and events. */

import { byUrgency, isActive } from "../alarms/order.js";
import { ServerClock } from "./clock.js";

/**
 * @typedef {import("../api.js").Patient} Patient
 * @typedef {import("../api.js").PatientReading} PatientReading
 * @typedef {import("../api.js").Alarm} Alarm
 * @typedef {import("../api.js").Beat} Beat
 * @typedef {import("../api.js").WardState} WardState
 * @typedef {import("./feed.js").Link} Link
 */

/** Milliseconds between making and arrival of a reading from which it is an old one: clocks of senders differ by less. */
const LATE = 60_000;

/** What a page shows of one patient. */
export class Bed {
  /** @param {Patient} patient */
  constructor(patient) {
    this.patient = patient;
    this.latest = patient.latest;
    /** Milliseconds at the server when the last reading arrived; null if unknown. @type {number | null} */
    this.arrived = null;
    /** Those that are active, the most urgent first. @type {Alarm[]} */
    this.alarms = [];
  }
}

export class Ward {
  constructor(clock = new ServerClock()) {
    this.clock = clock;
    /** @type {Map<string, Bed>} */
    this.beds = new Map();
    /** Alarms of the ward itself. @type {Alarm[]} */
    this.alarms = [];
    /** @type {Link} */
    this.link = "connecting";
    /** Time at which the stream was lost, of the server's clock. @type {number | null} */
    this.lostSince = null;
    /** @type {WardState | null} */
    this.state = null;
    /** Time since which nobody is watched. @type {string | null} */
    this.blindSince = null;
    /** What is behind then. @type {Beat["behind"]} */
    this.behind = null;
    /** Active alarms by id. @type {Map<string, Alarm>} */
    this._active = new Map();
    /** Newest version of each alarm that an event told of, since the last answer was asked for. @type {Map<string, number>} */
    this._told = new Map();
    /** Patients whose reading came by an event since then. @type {Set<string>} */
    this._read = new Set();
    /** @type {Set<() => void>} */
    this._listeners = new Set();
  }

  /**
   * Call a function after each change.
   *
   * @param {() => void} listener
   */
  onChange(listener) {
    this._listeners.add(listener);
  }

  /** Patients in a bed, in the order in which they came. */
  get admitted() {
    return [...this.beds.values()].filter((bed) => bed.patient.bed !== null);
  }

  /** Begin to ask for everything: what events tell from now on is newer than the answer. */
  expect() {
    this._told.clear();
    this._read.clear();
  }

  /**
   * Take in the answers of `GET /ward`, `/patients` and `/alarms`, asked for since `expect`.
   *
   * @param {WardState} state
   * @param {Patient[]} patients
   * @param {Alarm[]} alarms
   */
  load(state, patients, alarms) {
    this.state = state;
    this.clock.set(state.time);
    this.blindSince = state.blind_since;
    this.behind = state.behind;
    const gone = new Set(this.beds.keys());
    for (const each of patients) {
      gone.delete(each.uuid);
      this._loadPatient(each);
    }
    for (const each of gone) this.beds.delete(each);
    for (const id of [...this._active.keys()]) if (!this._told.has(id)) this._active.delete(id);
    for (const each of alarms) if (each.version >= (this._told.get(each.id) ?? 0)) this._put(each);
    this._sort();
    this._changed();
  }

  /**
   * @param {string} name of an event
   * @param {any} data
   */
  receive(name, data) {
    if (name === "readings") this._takeReadings(data);
    else if (name === "alarms") this._takeAlarms(data);
    else if (name === "beat") this._takeBeat(data);
    this._changed();
  }

  /** @param {Link} link */
  linked(link) {
    if (link === "lost" && this.link !== "lost") this.lostSince = this.clock.now();
    if (link === "live") this.lostSince = null;
    this.link = link;
    this._changed();
  }

  /**
   * Age of a patient's last reading in milliseconds, since its arrival; null if unknown.
   *
   * @param {Bed} bed
   */
  age(bed) {
    const now = this.clock.now();
    return now === null || bed.arrived === null ? null : Math.max(0, now - bed.arrived);
  }

  /**
   * Time at which a patient's last reading was made, where it was old when it came: a bedside monitor sends what it has
   * kept, or its clock is wrong. Null for one of the time of its arrival.
   *
   * @param {Bed} bed
   */
  madeBefore({ latest, arrived }) {
    const made = latest ? Date.parse(latest.timestamp) : null;
    return made !== null && arrived !== null && arrived - made > LATE ? made : null;
  }

  /**
   * Age of a patient's values in milliseconds: since their arrival, or since they were made where they were old then.
   *
   * @param {Bed} bed
   */
  ageOfValues(bed) {
    const [made, now] = [this.madeBefore(bed), this.clock.now()];
    return made === null || now === null ? this.age(bed) : now - made;
  }

  /** @param {Patient} patient */
  _loadPatient(patient) {
    const bed = this.beds.get(patient.uuid) ?? new Bed(patient);
    this.beds.set(patient.uuid, bed);
    const overtaken = this._read.has(patient.uuid);
    bed.patient = overtaken ? { ...patient, stale: false, behind: null } : patient;
    if (overtaken) return;
    bed.latest = patient.latest;
    const now = this.clock.now();
    const age = patient.latest_age_seconds;
    bed.arrived = now === null || age === null ? null : now - age * 1000;
  }

  /** @param {PatientReading[]} readings */
  _takeReadings(readings) {
    for (const each of readings) {
      const bed = this.beds.get(each.patient_uuid);
      if (!bed || (bed.latest && each.timestamp < bed.latest.timestamp)) continue;
      bed.latest = each;
      bed.arrived = this.clock.now();
      bed.patient = { ...bed.patient, stale: false, behind: null };
      this._read.add(each.patient_uuid);
    }
  }

  /** @param {Alarm[]} alarms */
  _takeAlarms(alarms) {
    for (const each of alarms) {
      if (each.version < (this._told.get(each.id) ?? this._active.get(each.id)?.version ?? 0)) continue;
      this._told.set(each.id, each.version);
      this._put(each);
    }
    this._sort();
  }

  /** @param {Beat} beat */
  _takeBeat(beat) {
    this.clock.set(beat.time);
    this.blindSince = beat.blind_since;
    this.behind = beat.behind;
  }

  /** @param {Alarm} alarm */
  _put(alarm) {
    if (isActive(alarm)) this._active.set(alarm.id, alarm);
    else this._active.delete(alarm.id);
  }

  _sort() {
    const sorted = [...this._active.values()].sort(byUrgency);
    this.alarms = sorted.filter((alarm) => alarm.patient_uuid === null);
    for (const bed of this.beds.values()) bed.alarms = [];
    for (const each of sorted) if (each.patient_uuid) this.beds.get(each.patient_uuid)?.alarms.push(each);
  }

  _changed() {
    for (const each of this._listeners) each();
  }
}
