/** Name of the person who commands. Nobody checks it; it is kept at this browser. */

import { h } from "../dom.js";
import { change, settings } from "../settings.js";
import { t } from "../text/text.js";

/** Pattern of an input with something else than blanks. */
export const NOT_BLANK = ".*\\S.*";

/**
 * Return the name, asked for once.
 *
 * @returns {Promise<string>} "" where the person gave none
 */
export function askAuthor() {
  const { author } = settings();
  return author ? Promise.resolve(author) : ask();
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
