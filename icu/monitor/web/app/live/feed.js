/** The live stream, with a watch: an open stream whose server stands still looks alive to a browser. */

/**
 * @typedef {"connecting" | "live" | "lost"} Link
 * @typedef {{ kind: "link", link: Link } | { kind: "opened" } | { kind: "event", name: string, data: any }} Message
 *   `opened`: events may have been missed, so read everything anew.
 */

/** Milliseconds without an event after which the server is lost. It beats each second. */
export const LOST_AFTER = 2500;

/** Milliseconds without an event after which a new connection is made: the old one may hang for ever. */
const RENEW_AFTER = 10_000;

/** Milliseconds until the first new connection, and until the last ones. */
const BACK_OFF = [500, 1000, 2000, 4000, 8000];

const EVENTS = ["readings", "patients", "alarms", "beat", "reset"];

export class Feed {
  /**
   * @param {string} address of the stream
   * @param {(message: Message) => void} emit
   */
  constructor(address, emit) {
    this._address = address;
    this._emit = emit;
    /** @type {Link} */
    this.link = "connecting";
    this._failures = 0;
    this._connect();
  }

  close() {
    clearTimeout(this._lost);
    clearTimeout(this._renewal);
    this._source?.close();
  }

  _connect() {
    this.close();
    const source = new EventSource(this._address);
    this._source = source;
    source.onopen = () => this._opened();
    source.onerror = () => this._failed(source);
    for (const name of EVENTS) source.addEventListener(name, (event) => this._received(name, event));
    this._watch();
  }

  _opened() {
    this._failures = 0;
    this._watch();
    this._emit({ kind: "opened" });
  }

  /**
   * @param {string} name
   * @param {MessageEvent<string>} event
   */
  _received(name, event) {
    this._watch();
    this._become("live");
    if (name === "reset") this._emit({ kind: "opened" });
    else this._emit({ kind: "event", name, data: JSON.parse(event.data) });
  }

  /** @param {EventSource} source */
  _failed(source) {
    this._become("lost");
    // A browser connects again by itself after a cut, but never after a 503 or a 401.
    if (source.readyState === EventSource.CLOSED) this._renewAfter(this._backOff());
  }

  _watch() {
    clearTimeout(this._lost);
    this._lost = setTimeout(() => this._become("lost"), LOST_AFTER);
    this._renewAfter(RENEW_AFTER);
  }

  /** @param {number} delay */
  _renewAfter(delay) {
    clearTimeout(this._renewal);
    this._renewal = setTimeout(() => this._connect(), delay);
  }

  _backOff() {
    const longest = BACK_OFF[Math.min(this._failures++, BACK_OFF.length - 1)] ?? 0;
    // Random: pages that lost a server together must not come back together.
    return longest * (0.5 + Math.random() / 2);
  }

  /** @param {Link} link */
  _become(link) {
    if (this.link === link) return;
    this.link = link;
    this._emit({ kind: "link", link });
  }
}
