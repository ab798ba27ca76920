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
   */
  constructor(message, status, state = undefined) {
    super(message);
    this.status = status;
    this.state = state;
  }
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
  const parameters = new URLSearchParams(query).toString();
  return request("GET", parameters ? `${path}?${parameters}` : path);
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
 * @param {string} method
 * @param {string} path
 * @param {string} [body]
 */
async function request(method, path, body) {
  const headers = body === undefined ? undefined : { "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(API + path, { method, body, headers, signal: AbortSignal.timeout(TIMEOUT) });
  } catch (error) {
    throw new ApiError(String(error), 0);
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  const problem = await response.json().catch(() => ({}));
  throw new ApiError(problem.detail ?? response.statusText, response.status, problem.state);
}
