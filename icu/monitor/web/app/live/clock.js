/** The server's clock, by its beats: the browser's may be wrong. */

export class ServerClock {
  /** @param {() => number} elapsed milliseconds since any fixed time */
  constructor(elapsed = () => performance.now()) {
    this._elapsed = elapsed;
    /** @type {number | null} */
    this._offset = null;
  }

  /** @param {string} time of the server, ISO 8601 */
  set(time) {
    this._offset = Date.parse(time) - this._elapsed();
  }

  /** Milliseconds since 1970 at the server; null before its first beat. */
  now() {
    return this._offset === null ? null : this._offset + this._elapsed();
  }
}
