/** Limits of a patient: each tier of each sign, automatic ones, and those of the ward again. */

import { TRIANGLES } from "../alarms/words.js";
import { ApiError, read, send } from "../api.js";
import { report } from "../commands/report.js";
import { h } from "../dom.js";
import { settings } from "../settings.js";
import { clockTime, t } from "../text/text.js";
import { changed, fieldsOf } from "../vitals/limit-form.js";
import { convertBack, decimals, limitDigits, unitName } from "../vitals/units.js";
import { Dialog, field } from "./form.js";

/**
 * @typedef {import("../api.js").LimitsState} LimitsState
 * @typedef {import("../vitals/limit-form.js").Field} Field
 * @typedef {import("../vitals/signs.js").SignName} SignName
 */

/**
 * Open the dialog with the limits that hold now.
 *
 * @param {import("../api.js").Patient} patient
 * @param {SignName | undefined} sign the one that the person came for
 */
export async function openLimits(patient, sign) {
  const state = await report(read(`patient/${patient.uuid}/limits`));
  // A second click opens no second dialog.
  if (state && !document.querySelector("dialog[open]")) new LimitsDialog(patient, state).focus(sign);
}

class LimitsDialog {
  /**
   * @param {import("../api.js").Patient} patient
   * @param {LimitsState} state
   */
  constructor(patient, state) {
    this._path = `patient/${patient.uuid}/limits`;
    this._said = h("p", { class: "hint" });
    this._signs = h("div", { class: "signs" });
    const automatic = this._button("limits.auto", (by) => this._setAutomatic(by));
    const ward = this._button("limits.ward", (by) => this._put(by, {}));
    this._state = this._show(state);
    this._dialog = new Dialog({
      title: t("limits.title", { bed: patient.bed ?? "–", name: patient.name ?? t("bed.unnamed") }),
      fields: [this._said, this._signs],
      submit: t("limits.submit"),
      others: [automatic, ward],
      send: (by) => this._submit(by),
      refused: (error) => this._refuse(error),
    });
    this._dialog.element.classList.add("limits-form");
  }

  /** @param {SignName | undefined} sign */
  focus(sign) {
    /** @type {HTMLElement | null} */ (this._signs.querySelector(`[data-sign="${sign}"] input`))?.focus();
  }

  /**
   * @param {import("../text/text.js").Key} key
   * @param {(by: string) => Promise<unknown>} command
   */
  _button(key, command) {
    const button = h("button", { type: "button" }, t(key));
    button.addEventListener("click", () => this._dialog.send(command));
    return button;
  }

  /** @param {LimitsState} state */
  _show(state) {
    this._state = state;
    this._units = units();
    /** Alarms of which the person knows that they are turned off. @type {string} */
    this._confirmed = "";
    const { by, at } = state;
    this._said.textContent = by && at ? t("limits.by", { by, time: clockTime(Date.parse(at), Date.now()) }) : t("limits.hint");
    /** @type {[Field, HTMLInputElement][]} */
    this._inputs = [];
    const signs = [...fieldsOf(state.in_force, state.conditions)];
    this._signs.replaceChildren(...signs.map(([sign, fields]) => this._fieldset(sign, fields)));
    return state;
  }

  /**
   * @param {SignName} sign
   * @param {Field[]} fields
   */
  _fieldset(sign, fields) {
    const rows = fields.map((each) => {
      const input = h("input", { type: "number", inputmode: "decimal" });
      input.value = text(each);
      // A limit between two steps stays as it is.
      input.step = isBetween(each) ? "any" : String(step(sign));
      input.placeholder = t("limits.none");
      this._inputs?.push([each, input]);
      const label = `${TRIANGLES[each.tier]} ${t(`limits.${each.direction}`)}${each.own ? ` ${t("limits.own")}` : ""}`;
      const row = field(label, input);
      input.setAttribute("aria-label", t("limits.label", { priority: t(`priority.${each.tier}`), sign: t(`sign.${sign}.long`), direction: t(`limits.${each.direction}`) }));
      return row;
    });
    return h("fieldset", { "data-sign": sign }, h("legend", {}, `${t(`sign.${sign}`)}, ${unitName(sign)}`), ...rows);
  }

  _changes() {
    return (this._inputs ?? [])
      .filter(([each, input]) => input.value !== text(each))
      .map(([each, input]) => ({ ...each, changed: input.value === "" ? null : typed(each.sign, input.valueAsNumber) }));
  }

  /**
   * Send the changes; but none that were typed in other units, and no alarm is turned off without a second click.
   *
   * @param {string} by
   */
  async _submit(by) {
    if (this._units !== units()) {
      this._show(this._state);
      return this._stay(t("limits.units"));
    }
    const changes = this._changes();
    const off = changes.filter((each) => each.changed === null).map(alarmName).join(", ");
    if (off !== this._confirmed) {
      this._confirmed = off;
      if (off) return this._stay(t("limits.confirm", { alarms: off }));
    }
    return this._put(by, changed(this._state.conditions, changes));
  }

  /** @param {string} sentence */
  _stay(sentence) {
    this._dialog.say(sentence);
    return true;
  }

  /**
   * @param {string} by
   * @param {import("../vitals/limits.js").Conditions} conditions
   */
  _put(by, conditions) {
    return send("PUT", this._path, { by, version: this._state.version, conditions });
  }

  /** @param {string} by */
  async _setAutomatic(by) {
    const state = await send("POST", `${this._path}/auto`, { by, version: this._state.version });
    this._show(state);
    return this._stay([t("limits.auto.done"), ...state.refused].join(" "));
  }

  /** @param {unknown} error */
  _refuse(error) {
    if (!(error instanceof ApiError) || error.status !== 409 || !error.state) return;
    const { by } = this._show(/** @type {LimitsState} */ (error.state));
    this._dialog.say(t("limits.conflict", { by: by ?? "–" }));
  }
}

/** Units in which limits are typed now. */
const units = () => `${settings().temperature} ${settings().pressure}`;

/** @param {Field} field */
const alarmName = ({ sign, tier, direction }) => `${TRIANGLES[tier]} ${t(`sign.${sign}`)} ${t(`limits.${direction}`)}`;

/** @param {SignName} sign */
const step = (sign) => (decimals(sign) ? 0.1 : 1);

/** @param {Field} field */
const isBetween = (field) => (text(field).split(".")[1] ?? "").length > decimals(field.sign);

/**
 * Text of a field, in the chosen unit; "" where the alarm is off.
 *
 * @param {Field} field
 */
function text({ sign, value }) {
  return value === null ? "" : String(Number(limitDigits(sign, value)));
}

/**
 * Value of the API's unit, without the digits that a conversion makes.
 *
 * @param {SignName} sign
 * @param {number} value in the chosen unit
 */
const typed = (sign, value) => Number(convertBack(sign, value).toFixed(2));
