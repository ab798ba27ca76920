/** The person who has logged in, and the way in and out. Empty where nobody has to. */

import { logOut, phase, session } from "../access/session.js";
import { report } from "../commands/report.js";
import { openLogIn } from "../dialogs/log-in.js";
import { h, setAttribute, setText, show, showFocusable } from "../dom.js";
import { t } from "../text/text.js";

export class SessionState extends HTMLElement {
  constructor() {
    super();
    this._who = h("span", { class: "who" });
    this._role = h("span", { class: "role" });
    this._in = h("button", { type: "button" });
    this._in.addEventListener("click", () => openLogIn());
    this._out = h("button", { type: "button" });
    this._out.addEventListener("click", () => report(logOut()));
  }

  connectedCallback() {
    if (!this._who.isConnected) this.append(h("span", {}, this._who, this._role), this._in, this._out);
  }

  render() {
    const [now, known] = [phase(), session()];
    // Style sheets hide what a viewer can't do.
    setAttribute(document.documentElement, "data-session", now);
    show(this, known !== null && !["open", "out"].includes(now));
    if (!known) return;
    setText(this._who, known.who ?? "");
    setText(this._role, ` · ${t(now === "expired" ? "role.viewer" : `role.${known.role}`)}`);
    setText(this._in, t("login.submit"));
    setText(this._out, t("login.out"));
    showFocusable(this._in, now === "viewer", this._out);
  }
}

customElements.define("icu-session", SessionState);
