/** Phases of a session, by what a person at this browser may do. */

/**
 * Answer of `GET /session`, and of `POST /session` after a log-in.
 *
 * @typedef {object} Session
 * @property {boolean} open true where nobody has to log in: on loopback, without keys
 * @property {string | null} who name of the person, or `key:` and that of the key; null without a log-in
 * @property {"public" | "viewer" | "nurse" | "admin"} role present one
 * @property {string | null} expires ISO 8601, end of the role: a nurse, or an admin, is a viewer from then on; null
 *   without an end
 * @property {"nurse" | "admin" | null} lapsed role whose time is over: `role` is "viewer" since then
 */

/**
 * @typedef {"unknown" | "open" | "out" | "viewer" | "nurse" | "expiring" | "expired"} Phase
 *   `unknown`: the server has not answered yet. `out`: nobody may see the ward. `nurse`: commands are taken, as in
 *   `expiring`, in which a person is told to log in again; `expired`: it is too late for that, and the ward is shown.
 */

/** Milliseconds before the end from which on a person is told of it. */
export const WARN_BEFORE = 10 * 60_000;

/**
 * Tell the phase of a session.
 *
 * @param {Session | null} session null before the first answer
 * @param {number | null} now milliseconds since 1970, of the server; null before its first beat
 * @returns {Phase}
 */
export function phaseOf(session, now) {
  if (!session) return "unknown";
  const { open, role, lapsed } = session;
  if (open) return "open";
  if (role === "public") return "out";
  if (role === "viewer") return lapsed ? "expired" : "viewer";
  const left = timeLeft(session, now);
  if (left <= 0) return "expired";
  return left <= WARN_BEFORE ? "expiring" : "nurse";
}

/**
 * Milliseconds until the end of a session; infinite without one.
 *
 * @param {Session} session
 * @param {number | null} now
 */
export function timeLeft({ expires }, now) {
  return expires === null || now === null ? Infinity : Date.parse(expires) - now;
}

/**
 * Tell if commands are taken without a new log-in. Where nothing is known, the server says so if they are not.
 *
 * @param {Phase} phase
 */
export const mayCommand = (phase) => ["unknown", "open", "nurse", "expiring"].includes(phase);

/**
 * Tell if the name of the author is what a person types, because nobody logs in.
 *
 * @param {Phase} phase
 */
export const typesName = (phase) => phase === "open" || phase === "unknown";
