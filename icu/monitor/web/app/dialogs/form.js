/** A dialog that sends one command: its fields, who commands, and the answer in words. */

import { typesName } from "../access/phase.js";
import { phase } from "../access/session.js";
import { NOT_BLANK, askAuthor } from "../commands/author.js";
import { refusal, showRefusal } from "../commands/report.js";
import { h } from "../dom.js";
import { change, settings } from "../settings.js";
import { t } from "../text/text.js";

/**
 * @typedef {object} Form
 * @property {string} title
 * @property {(Node | string)[]} fields
 * @property {string} submit word of the button that sends
 * @property {(by: string) => Promise<unknown>} send what it does; an ApiError is shown, and the dialog stays
 * @property {Node[]} [others] further buttons
 * @property {(error: unknown) => void} [refused] called with an error after it was shown
 */

let count = 0;

/** @type {Set<() => void>} */
const listeners = new Set();

/**
 * Call a function after each command that was carried out: no event tells of some of them.
 *
 * @param {() => void} listener
 */
export function onCommand(listener) {
  listeners.add(listener);
}

/** Dialog that is open, with its words. */
export class Dialog {
  /** @param {Form} form */
  constructor({ title, fields, submit, send, others = [], refused }) {
    this._refused = refused;
    const id = `dialog-${++count}`;
    this.author = h("input", { name: "author", id: `${id}-by`, required: true, pattern: NOT_BLANK, maxlength: "200", autocomplete: "name" });
    this.author.value = settings().author;
    this._answer = h("p", { class: "answer", role: "alert" });
    this._submit = h("button", { type: "submit", class: "primary" }, submit);
    const cancel = h("button", { type: "button" }, t("dialog.cancel"));
    cancel.addEventListener("click", () => this.close());
    const by = h("p", { class: "field" }, h("label", { for: this.author.id }, t("author.label")), this.author);
    by.hidden = !typesName(phase());
    this.author.disabled = by.hidden; // the log-in has the name
    const actions = h("p", { class: "actions" }, ...others, this._submit, cancel);
    this.form = h("form", { method: "dialog" }, h("h2", { id }, title), ...fields, by, this._answer, actions);
    this.element = h("dialog", { "aria-labelledby": id, class: "command" }, this.form);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(send);
    });
    this.element.addEventListener("close", () => this.element.remove());
    document.body.append(this.element);
    this.element.showModal();
  }

  close() {
    this.element.close();
  }

  /** @param {string} sentence */
  say(sentence) {
    this._answer.textContent = sentence;
  }

  /**
   * Send a command, and close unless it is refused or says that the dialog shall stay.
   *
   * @param {(by: string) => Promise<unknown>} command returns true to leave the dialog open
   */
  async send(command) {
    const by = await this._askAuthor();
    if (!by) return;
    this.say("");
    this._setBusy(true);
    try {
      if ((await command(by)) !== true) this.close();
      for (const each of listeners) each();
    } catch (error) {
      // The person may have closed the dialog meanwhile.
      if (this.element.open) this.say(refusal(error));
      else showRefusal(refusal(error));
      this._refused?.(error);
    } finally {
      this._setBusy(false);
    }
  }

  /** @returns {Promise<string>} "" where there is no author */
  async _askAuthor() {
    if (this.author.disabled) return askAuthor();
    const by = this.author.value.trim();
    if (by) change({ author: by });
    else this.author.reportValidity();
    return by;
  }

  /** @param {boolean} busy */
  _setBusy(busy) {
    this._submit.disabled = busy;
    // A disabled button loses the focus.
    if (!busy && this.element.open && document.activeElement === document.body) this._submit.focus();
  }
}

/**
 * A field with its label.
 *
 * @param {string} label
 * @param {HTMLInputElement | HTMLSelectElement} input
 */
export function field(label, input) {
  input.id ||= `field-${++count}`;
  return h("p", { class: "field" }, h("label", { for: input.id }, label), input);
}

/**
 * A field for a number.
 *
 * @param {string} value
 * @param {Record<string, string>} bounds min, max and step
 */
export function numberInput(value, bounds) {
  const input = h("input", { type: "number", inputmode: "decimal", required: true, ...bounds });
  input.value = value;
  return input;
}
