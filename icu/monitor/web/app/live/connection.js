/** The connection of a page: answers of the API to begin with, events from then on, and a look every few seconds. */

import { look } from "../access/session.js";
import { read } from "../api.js";
import { API } from "../page.js";
import { follow } from "./follow.js";

/** Milliseconds between two looks: what is at a bed, and NEWS2, come by no event. */
const LOOK_EVERY = 5000;

/** Milliseconds from a command, or an event about alarms, to the look that it causes: a command changes several things. */
const LOOK_SOON = 200;

export class Connection {
  /** @param {import("./ward.js").Ward} ward */
  constructor(ward) {
    this._ward = ward;
    /** @type {Set<() => void>} */
    this._opened = new Set();
    /** @type {Set<(readings: import("../api.js").PatientReading[]) => void>} */
    this._readings = new Set();
    /** True once events come, or it is known that none do. */
    this._follows = false;
    /** Patients who were not watched while others were, as of the last beat. */
    this._unwatched = 0;
    /** True while the past is to be read. */
    this._missed = true;
  }

  start() {
    follow(`${API}stream`, (message) => this._receive(message));
    this.look();
  }

  /**
   * Call a function when the past is to be read: once the ward is known and the stream is open, for then nothing falls
   * between the answer and the events; and again after events may have been missed.
   *
   * @param {() => void} listener
   */
  onOpened(listener) {
    this._opened.add(listener);
  }

  /**
   * Call a function with the readings of each event.
   *
   * @param {(readings: import("../api.js").PatientReading[]) => void} listener
   */
  onReadings(listener) {
    this._readings.add(listener);
  }

  /** Read patients and alarms anew. A failure leaves what is shown: the stream's own state tells of it. */
  async look() {
    this._lookAfter(LOOK_EVERY);
    this._ward.expect();
    try {
      const [state, patients, alarms] = await Promise.all([read("ward"), read("patients"), read("alarms")]);
      this._ward.load(state, patients, alarms);
      this._tell();
    } catch (error) {
      console.warn("the ward could not be read:", error instanceof Error ? error.message : error);
    }
  }

  /** Look when the server's list has what a command changed, which takes it a moment. */
  lookSoon() {
    this._lookAfter(LOOK_SOON);
  }

  /** @param {number} delay */
  _lookAfter(delay) {
    clearTimeout(this._next);
    this._next = setTimeout(() => this.look(), delay);
  }

  /** @param {import("./feed.js").Message} message */
  _receive(message) {
    if (message.kind === "link") this._link(message.link);
    else if (message.kind === "opened") this._reopen();
    else {
      this._ward.receive(message.name, message.data);
      if (message.name === "readings") for (const each of this._readings) each(message.data);
      if (message.name === "alarms" || message.name === "patients") this.lookSoon();
      if (message.name === "beat") this._count(message.data);
    }
  }

  /** @param {import("./feed.js").Link} link */
  _link(link) {
    this._ward.linked(link);
    this._follows ||= link !== "connecting";
    this._tell();
    // The stream of a session that is revoked ends, as one does whose server is gone.
    if (link === "lost") look();
  }

  /** @param {import("../api.js").Beat} beat */
  _count({ unwatched }) {
    if (unwatched !== this._unwatched) this.lookSoon();
    this._unwatched = unwatched;
  }

  _reopen() {
    this._follows = this._missed = true;
    this.look();
    this._tell();
  }

  /** Have the past read, where it is time. */
  _tell() {
    if (!this._missed || !this._follows || !this._ward.state) return;
    this._missed = false;
    for (const each of this._opened) each();
  }
}
