/** Silence of one alarm for some minutes. */

import { words } from "../alarms/words.js";
import { send } from "../api.js";
import { h } from "../dom.js";
import { t } from "../text/text.js";
import { Dialog, field, numberInput } from "./form.js";

/** Minutes that are proposed. */
const MINUTES = "10";

/**
 * Ask why and for how long, and shelve the alarm as it is shown.
 *
 * @param {import("../api.js").Alarm} alarm
 * @param {import("../api.js").Reading | null} latest
 */
export function openShelve(alarm, latest) {
  const why = h("input", { required: true, maxlength: "200" });
  const minutes = numberInput(MINUTES, { min: "1", max: "60", step: "1" });
  new Dialog({
    title: t("shelve.title", { what: words(alarm, latest) }),
    fields: [h("p", { class: "hint" }, t("shelve.hint")), field(t("shelve.why"), why), field(t("shelve.minutes"), minutes)],
    submit: t("shelve.submit"),
    send: (by) => {
      const body = { by, why: why.value, minutes: Number(minutes.value), seen: alarm.seen };
      return send("POST", `alarms/${alarm.id}/shelve`, body);
    },
  });
}
