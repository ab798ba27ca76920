/**
 * Name of the person who commands: of the log-in; where nobody logs in, as the person types it, unchecked, and kept at
 * this browser.
 */

import { mayCommand, typesName } from "../access/phase.js";
import { phase, session } from "../access/session.js";
import { openLogIn } from "../dialogs/log-in.js";
import { h } from "../dom.js";
import { change, settings } from "../settings.js";
import { t } from "../text/text.js";

/** Pattern of an input with something else than blanks. */
export const NOT_BLANK = ".*\\S.*";

/**
 * Return the name, asked for once; after the end of a log-in, by a new one.
 *
 * @returns {Promise<string>} "" where the person gave none
 */
export async function askAuthor() {
  const now = phase();
  if (typesName(now)) return settings().author || ask();
  return mayCommand(now) ? (session()?.who ?? "") : openLogIn();
}

/** @returns {Promise<string>} */
function ask() {
  const name = h("input", { name: "author", required: true, pattern: NOT_BLANK, maxlength: "200", autocomplete: "name", id: "author" });
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", {}, t("author.title")),
    h("label", { for: "author" }, t("author.label")),
    name,
    h("p", { class: "hint" }, t("author.hint")),
    h(
      "p",
      { class: "actions" },
      h("button", { type: "submit", class: "primary" }, t("dialog.go_on")),
      h("button", { type: "button", class: "cancel" }, t("dialog.cancel")),
    ),
  );
  const dialog = h("dialog", {}, form);
  form.querySelector(".cancel")?.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", () => dialog.close(name.value.trim()));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue) change({ author: dialog.returnValue });
      resolve(dialog.returnValue);
    });
  });
}
