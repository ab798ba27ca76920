/** The log-in of a person who sees the ward already. */

import { mayCommand } from "../access/phase.js";
import { phase, session } from "../access/session.js";
import { h } from "../dom.js";
import { LogInForm } from "../elements/log-in-form.js";
import { t } from "../text/text.js";

/**
 * Ask for it.
 *
 * @returns {Promise<string>} name of the person; "" where there is none who may command
 */
export function openLogIn() {
  const cancel = h("button", { type: "button" }, t("dialog.cancel"));
  const form = new LogInForm(person(), [cancel]);
  const dialog = h("dialog", { "aria-labelledby": "log-in-title", class: "log-in" }, h("h2", { id: "log-in-title" }, t("login.title")), form);
  cancel.addEventListener("click", () => dialog.close());
  form.addEventListener("done", () => dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  form.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(mayCommand(phase()) ? (session()?.who ?? "") : "");
    });
  });
}

/** Name of the person who has logged in; "" for a key, whose name has a colon. */
function person() {
  const who = session()?.who ?? "";
  return who.includes(":") ? "" : who;
}
