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
  }

  /**
   * Call a function after each answer.
   *
   * @param {() => void} listener
   */
  onChange(listener) {
    this._listeners.add(listener);
  }

  /** Ask now, and again and again. A patient who is unknown or not emulated is not asked about again. */
  async look() {
    clearTimeout(this._next);
    try {
      this.answer = await read(this._path);
    } catch (error) {
      if (error instanceof ApiError && [404, 409].includes(error.status)) {
        this.answer = null;
        return;
      }
      console.warn(`${this._path} could not be read:`, error instanceof Error ? error.message : error);
    } finally {
      for (const each of this._listeners) each();
    }
    this._next = setTimeout(() => this.look(), this._pause);
  }
}
