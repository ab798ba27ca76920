/** The wait before tiles change places: none must go from under a finger. */

/** Milliseconds of the longest wait: an urgent bed must not stand at the end for ever. */
const LONGEST = 10_000;

export class OrderHold {
  /** @param {() => number} elapsed milliseconds since any fixed time */
  constructor(elapsed = () => performance.now()) {
    this._elapsed = elapsed;
    /** Time at which the tiles were first to change places. @type {number | null} */
    this._since = null;
  }

  /**
   * Tell if the tiles are to stay where they are.
   *
   * @param {boolean} moves true if their order is another one than that on the screen
   * @param {boolean} inUse true while the pointer or the focus is among them
   */
  keeps(moves, inUse) {
    if (!moves || !inUse) {
      this._since = null;
      return !moves;
    }
    this._since ??= this._elapsed();
    if (this._elapsed() - this._since < LONGEST) return true;
    this._since = null;
    return false;
  }
}
