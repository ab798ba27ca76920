/** Limits in force of all patients. */

import { read } from "../api.js";

/** @typedef {import("../vitals/limits.js").Conditions} Conditions */

/** Milliseconds between two looks. */
const LOOK_EVERY = 10_000;

export class Limits {
  constructor() {
    /** @type {Conditions} */
    this._ward = {};
    /** Of those who have limits of their own. @type {Map<string, Conditions>} */
    this._patients = new Map();
    /** @type {Set<() => void>} */
    this._listeners = new Set();
  }

  /**
   * Call a function after each answer.
   *
   * @param {() => void} listener
   */
  onChange(listener) {
    this._listeners.add(listener);
  }

  start() {
    this.look();
    setInterval(() => this.look(), LOOK_EVERY);
  }

  /**
   * Limits in force for a patient.
   *
   * @param {string} patient
   */
  of(patient) {
    return this._patients.get(patient) ?? this._ward;
  }

  /** Read them anew. A failure leaves what is shown. */
  async look() {
    try {
      const { ward, patients } = await read("ward/limits");
      this._ward = ward.in_force;
      this._patients = new Map(Object.entries(patients).map(([uuid, limits]) => [uuid, limits.in_force]));
      for (const each of this._listeners) each();
    } catch (error) {
      console.warn("the limits could not be read:", error instanceof Error ? error.message : error);
    }
  }
}
