/** The session of this browser at the server: who has logged in, and what that person may do. All tabs share it. */

import { onRefusal, read, request } from "../api.js";
import { phaseOf } from "./phase.js";

/**
 * @typedef {import("./phase.js").Session} Session
 * @typedef {{ name: string, password: string } | { key: string }} Credentials
 */

/** Milliseconds between two looks. A session may have been revoked; and being used, a viewer's begins anew. */
const LOOK_EVERY = 60_000;

/** Milliseconds after which a log-in is given up: after wrong ones the server takes its time. */
const LOG_IN_TIMEOUT = 60_000;

/** @type {Session | null} */
let current = null;

/** Clock of the server, by which a session ends. @type {import("../live/clock.js").ServerClock | null} */
let clock = null;

/** @type {Set<() => void>} */
const listeners = new Set();

const otherTabs = new BroadcastChannel("icu-session");

/** Return the session; null before the first answer. */
export const session = () => current;

/** Return the phase of the session. */
export const phase = () => phaseOf(current, clock?.now() ?? null);

/**
 * Call a function after each change.
 *
 * @param {() => void} listener
 */
export function onSession(listener) {
  listeners.add(listener);
}

/** Ask the server. A failure leaves what is known: the ward's own state tells of it. */
export async function look() {
  try {
    take(await read("session"));
  } catch (error) {
    console.warn("the session could not be read:", error instanceof Error ? error.message : error);
  }
}

/**
 * Follow the session, once a page shows the ward: it is loaded anew as soon as nobody is logged in, so that nothing of
 * the patients stays on it.
 *
 * @param {import("../live/clock.js").ServerClock} serverClock
 */
export function followSession(serverClock) {
  clock = serverClock;
  onSession(() => phase() === "out" && location.reload());
  onRefusal(look);
  setInterval(look, LOOK_EVERY);
  addEventListener("visibilitychange", () => document.hidden || look());
}

/**
 * Log in.
 *
 * @param {Credentials} credentials
 * @throws {import("../api.js").ApiError} 401 where they are wrong, 429 after too many attempts
 */
export async function logIn(credentials) {
  take(await request("POST", "session", JSON.stringify(credentials), LOG_IN_TIMEOUT));
  otherTabs.postMessage("changed");
}

/**
 * Log out.
 *
 * @throws {import("../api.js").ApiError}
 */
export async function logOut() {
  take(await request("DELETE", "session"));
  otherTabs.postMessage("changed");
}

/** @param {Session} answer */
function take(answer) {
  current = answer;
  for (const each of listeners) each();
}

otherTabs.onmessage = look;
