/** Requests to the API. */

import { API } from "./page.js";

/**
 * Names of the API's types that the pages use.
 *
 * @typedef {import("../types/api").components["schemas"]} Schemas
 * @typedef {Schemas["PatientSummary"]} Patient
 * @typedef {Schemas["PatientReading"]} PatientReading
 * @typedef {Schemas["Reading"]} Reading
 * @typedef {Schemas["Alarm"]} Alarm
 * @typedef {Schemas["Beat"]} Beat
 * @typedef {Schemas["WardState"]} WardState
 * @typedef {Schemas["LimitsState"]} LimitsState
 * @typedef {Schemas["ConditionLimits"]} ConditionLimits
 */

/** Milliseconds after which a request is given up. */
const TIMEOUT = 10_000;

/** Refusal of a request, or no answer at all. */
export class ApiError extends Error {
  /**
   * @param {string} message sentence of the server
   * @param {number} status HTTP status; 0 without an answer
   * @param {unknown} state what holds at the server, with a 409
   * @param {number | null} retryAfter seconds to wait, where the server says so
   */
  constructor(message, status, state = undefined, retryAfter = null) {
    super(message);
    this.status = status;
    this.state = state;
    this.retryAfter = retryAfter;
  }
}

/** @type {Set<() => void>} */
const refusals = new Set();

/**
 * Call a function after each answer by which this browser may not do something: 401 or 403.
 *
 * @param {() => void} listener
 */
export function onRefusal(listener) {
  refusals.add(listener);
}

/**
 * Read from the API.
 *
 * @param {string} path without a slash at the begin
 * @param {Record<string, string>} query
 * @returns {Promise<any>}
 * @throws {ApiError}
 */
export function read(path, query = {}) {
  return request("GET", withQuery(path, query));
}

/**
 * Read the past from the API.
 *
 * @param {string} path without a slash at the begin
 * @param {Record<string, string>} query
 * @returns {Promise<{ answer: any, since: number | null }>} since: milliseconds since 1970 before which all was deleted;
 *   null where nothing was left out
 * @throws {ApiError}
 */
export async function readPast(path, query) {
  const response = await respond("GET", withQuery(path, query));
  const since = response.headers.get("History-From");
  return { answer: await response.json(), since: since === null ? null : Date.parse(since) };
}

/**
 * @param {string} path
 * @param {Record<string, string>} query
 */
function withQuery(path, query) {
  const parameters = new URLSearchParams(query).toString();
  return parameters ? `${path}?${parameters}` : path;
}

/**
 * Send a command.
 *
 * @param {"POST" | "PUT"} method
 * @param {string} path without a slash at the begin
 * @param {object} body
 * @returns {Promise<any>} state that holds now
 * @throws {ApiError}
 */
export function send(method, path, body) {
  return request(method, path, JSON.stringify(body));
}

/**
 * Send any request.
 *
 * @param {string} method
 * @param {string} path without a slash at the begin
 * @param {string} [body] JSON
 * @param {number} [timeout] milliseconds
 * @returns {Promise<any>}
 * @throws {ApiError}
 */
export async function request(method, path, body, timeout) {
  const response = await respond(method, path, body, timeout);
  return response.status === 204 ? null : response.json();
}

/**
 * Send a request, and refuse all answers but good ones.
 *
 * @param {string} method
 * @param {string} path
 * @param {string} [body]
 * @param {number} timeout
 * @returns {Promise<Response>}
 * @throws {ApiError}
 */
async function respond(method, path, body, timeout = TIMEOUT) {
  const headers = body === undefined ? undefined : { "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(API + path, { method, body, headers, signal: AbortSignal.timeout(timeout) });
  } catch (error) {
    throw new ApiError(String(error), 0);
  }
  if (response.ok) return response;
  if ([401, 403].includes(response.status)) for (const each of refusals) each();
  const problem = await response.json().catch(() => ({}));
  throw new ApiError(problem.detail ?? response.statusText, response.status, problem.state, seconds(response));
}

/**
 * Seconds of the header Retry-After; null without it.
 *
 * @param {Response} response
 */
function seconds(response) {
  const value = response.headers.get("Retry-After");
  return value === null ? null : Number(value);
}
