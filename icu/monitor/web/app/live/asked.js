/** An answer of the API that no event tells of: asked for again every few seconds. */

import { ApiError, read } from "../api.js";

/** @template T */
export class Asked {
  /**
   * @param {string} path
   * @param {number} pause milliseconds between an answer and the next question
   */
  constructor(path, pause) {
    this._path = path;
    this._pause = pause;
    /** The last answer; null before the first, and where there is none to be had. @type {T | null} */
    this.answer = null;
    /** @type {Set<() => void>} */
    this._listeners = new Set();
    /** True once there was an answer. */
    this._exists = false;
    /** True if there never was one, and never will be. */
    this._absent = false;
  }

  /**
   * Call a function after each answer.
   *
   * @param {() => void} listener
   */
  onChange(listener) {
    this._listeners.add(listener);
  }

  /** Ask now, and again and again; but never again what does not exist, such as the truth about a recorded patient. */
  async look() {
    clearTimeout(this._next);
    if (this._absent) return;
    try {
      this.answer = await read(this._path);
      this._exists = true;
    } catch (error) {
      this._fail(error);
    }
    clearTimeout(this._next);
    this._next = setTimeout(() => this.look(), this._pause);
    for (const each of this._listeners) each();
  }

  /** @param {unknown} error */
  _fail(error) {
    if (error instanceof ApiError && [404, 409].includes(error.status)) {
      this.answer = null;
      this._absent = !this._exists;
    } else console.warn(`${this._path} could not be read:`, error instanceof Error ? error.message : error);
  }
}
