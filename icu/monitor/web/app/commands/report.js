/** Answers to commands in words. */

import { ApiError } from "../api.js";
import { h } from "../dom.js";
import { isKey, t } from "../text/text.js";

/** Milliseconds for which a refusal stands. */
const SHOWN_FOR = 10_000;

/**
 * Wait for a command, and show at the foot of the page for some seconds why it was refused.
 *
 * @template T
 * @param {Promise<T>} command
 * @returns {Promise<T | null>} null if it was refused
 */
export async function report(command) {
  try {
    return await command;
  } catch (error) {
    showRefusal(refusal(error));
    return null;
  }
}

/**
 * Why a command was refused: what kind of refusal it is, and the server's own sentence.
 *
 * @param {unknown} error any other than the API's is thrown again
 */
export function refusal(error) {
  if (!(error instanceof ApiError)) throw error;
  if (!error.status) return t("command.unanswered");
  const key = `refused.${error.status}`;
  return t("refused", { kind: t(isKey(key) ? key : "refused.other"), why: error.message });
}

/**
 * Show at the foot of the page for some seconds why a command was refused.
 *
 * @param {string} sentence
 */
export function showRefusal(sentence) {
  const note = h("p", { class: "refusal", role: "alert" }, sentence);
  document.body.append(note);
  setTimeout(() => note.remove(), SHOWN_FOR);
}
