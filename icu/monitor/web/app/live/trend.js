/** The last hour of a sign, as means of buckets: from the history, and then from the stream. */

export class Trend {
  /**
   * @param {number} step milliseconds of a bucket
   * @param {number} length buckets that are kept
   */
  constructor(step, length) {
    this.step = step;
    this.length = length;
    /** Means by the number of the bucket since 1970. @type {Map<number, { sum: number, count: number }>} */
    this._buckets = new Map();
  }

  /**
   * Take in a column of the history.
   *
   * @param {number[]} times begins of the buckets, milliseconds since 1970
   * @param {(number | null)[]} means
   * @param {number[]} counts
   */
  fill(times, means, counts) {
    this._buckets.clear();
    times.forEach((time, index) => {
      const [mean = null, count = 0] = [means[index], counts[index]];
      if (mean !== null && count) this._buckets.set(this._bucket(time), { sum: mean * count, count });
    });
  }

  /**
   * Add a value of the stream.
   *
   * @param {number} time milliseconds since 1970
   * @param {number} value
   */
  add(time, value) {
    const number = this._bucket(time);
    const bucket = this._buckets.get(number) ?? { sum: 0, count: 0 };
    this._buckets.set(number, { sum: bucket.sum + value, count: bucket.count + 1 });
    if (this._buckets.size > this.length + 1) this._forget(number - this.length);
  }

  /**
   * Means of the buckets up to now, the oldest first; null where nothing was measured.
   *
   * @param {number} now milliseconds since 1970
   * @returns {(number | null)[]}
   */
  means(now) {
    const last = this._bucket(now);
    return Array.from({ length: this.length }, (_, index) => {
      const bucket = this._buckets.get(last - this.length + 1 + index);
      return bucket ? bucket.sum / bucket.count : null;
    });
  }

  /** @param {number} first */
  _forget(first) {
    for (const each of this._buckets.keys()) if (each < first) this._buckets.delete(each);
  }

  /** @param {number} time */
  _bucket(time) {
    return Math.floor(time / this.step);
  }
}
