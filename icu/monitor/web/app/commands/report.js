/** Answers to commands, shown at the foot of the page for some seconds. */

import { ApiError } from "../api.js";
import { h } from "../dom.js";
import { t } from "../text/text.js";

/** Milliseconds for which a refusal stands. */
const SHOWN_FOR = 10_000;

/**
 * Wait for a command, and show why it was refused.
 *
 * @template T
 * @param {Promise<T>} command
 * @returns {Promise<T | null>} null if it was refused
 */
export async function report(command) {
  try {
    return await command;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showRefusal(error.status ? error.message : t("command.unanswered"));
    return null;
  }
}

/** @param {string} sentence */
function showRefusal(sentence) {
  const note = h("p", { class: "refusal", role: "alert" }, sentence);
  document.body.append(note);
  setTimeout(() => note.remove(), SHOWN_FOR);
}
