/** The form to log in: with name and password, or with a key. */

import { logIn } from "../access/session.js";
import { ApiError } from "../api.js";
import { refusal } from "../commands/report.js";
import { h, setAttribute, setText } from "../dom.js";
import { change, settings } from "../settings.js";
import { t } from "../text/text.js";

/** @typedef {"password" | "key"} Kind */

/** Characters at most, more than any name, password or key has. */
const LONGEST = "1024";

/** Milliseconds after which a log-in takes long enough to say so. */
const SLOW_AFTER = 1000;

export class LogInForm extends HTMLElement {
  /**
   * @param {string} name that is proposed
   * @param {Node[]} others buttons beside the first one
   */
  constructor(name = "", others = []) {
    super();
    this._name = input("log-in-name", { name: "username", autocomplete: "username" });
    this._name.value = name;
    this._password = input("log-in-password", { type: "password", autocomplete: "current-password" });
    this._key = input("log-in-key", { type: "password", autocomplete: "off" });
    this._labels = [this._name, this._password, this._key].map(({ id }) => h("label", { for: id }));
    this._submits = [0, 1].map(() => h("button", { type: "submit", class: "primary" }));
    this._summary = h("summary");
    this._answer = h("p", { class: "answer", role: "alert" });
    this._language = h("button", { type: "button", class: "language" });
    this._language.addEventListener("click", () => change({ language: settings().language === "en" ? "ru" : "en" }));
    this._others = others;
  }

  connectedCallback() {
    if (this._answer.isConnected) return;
    const [name, password, key] = this._labels;
    const [withName, withKey] = this._submits;
    const fields = [field(name, this._name), field(password, this._password)];
    const person = this._form("password", fields, h("p", { class: "actions" }, this._language, ...this._others, /** @type {Node} */ (withName)));
    const device = this._form("key", [field(key, this._key)], h("p", { class: "actions" }, /** @type {Node} */ (withKey)));
    this.append(this._answer, person, h("details", {}, this._summary, device));
    this.putWords();
  }

  /** Put the words of the chosen language. */
  putWords() {
    const words = /** @type {const} */ (["login.name", "login.password", "login.key"]);
    words.forEach((each, index) => setText(/** @type {Element} */ (this._labels[index]), t(each)));
    this._submits.forEach((each, index) => setText(each, t(index ? "login.submit_key" : "login.submit")));
    setText(this._summary, t("login.with_key"));
    setText(this._language, t("language.other"));
    setAttribute(this._language, "aria-label", t("language.switch"));
    this._language.lang = settings().language === "en" ? "ru" : "en";
  }

  focus() {
    (this._name.value ? this._password : this._name).focus();
  }

  /**
   * Say why a log-in was refused.
   *
   * @param {unknown} error
   * @param {Kind} kind
   */
  refuse(error, kind) {
    this._answer.textContent = why(error, kind);
  }

  /**
   * @param {Kind} kind
   * @param {Node[]} fields
   * @param {Node} actions
   */
  _form(kind, fields, actions) {
    const form = h("form", { method: "dialog", "data-kind": kind }, ...fields, actions);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this._send(kind);
    });
    return form;
  }

  /** @param {Kind} kind */
  async _send(kind) {
    const secret = kind === "key" ? this._key : this._password;
    this._answer.textContent = "";
    this._setBusy(true);
    const slow = setTimeout(() => (this._answer.textContent = t("login.busy")), SLOW_AFTER);
    try {
      const name = this._name.value.trim();
      await logIn(kind === "key" ? { key: secret.value.trim() } : { name, password: secret.value });
      this.dispatchEvent(new Event("done"));
    } catch (error) {
      this.refuse(error, kind);
    } finally {
      clearTimeout(slow);
      this._setBusy(false);
      secret.value = "";
      if (this.isConnected) secret.focus();
    }
  }

  /** @param {boolean} busy */
  _setBusy(busy) {
    for (const each of this._submits) each.disabled = busy;
  }
}

customElements.define("icu-log-in", LogInForm);

/**
 * @param {string} id
 * @param {Record<string, string>} attributes
 */
const input = (id, attributes) =>
  h("input", { id, required: true, maxlength: LONGEST, autocapitalize: "none", spellcheck: "false", ...attributes });

/**
 * @param {HTMLElement | undefined} label
 * @param {HTMLInputElement} made
 */
const field = (label, made) => h("p", { class: "field" }, /** @type {Node} */ (label), made);

/**
 * @param {unknown} error
 * @param {Kind} kind
 */
function why(error, kind) {
  if (!(error instanceof ApiError)) throw error;
  if (error.status === 401) return t(`login.wrong.${kind}`);
  if (error.status === 429) return t("login.wait", { count: error.retryAfter ?? 60 });
  return refusal(error);
}
