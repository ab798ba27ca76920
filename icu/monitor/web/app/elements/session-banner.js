/** A bar that tells a person of the end of a log-in: before it, and after it, when the page can only be read. */

import { phase, session } from "../access/session.js";
import { openLogIn } from "../dialogs/log-in.js";
import { h, setAttribute, setText, showFocusable } from "../dom.js";
import { shortTime, t } from "../text/text.js";

export class SessionBanner extends HTMLElement {
  constructor() {
    super();
    this._text = h("p", { role: "status" });
    this._button = h("button", { type: "button" });
    this._button.addEventListener("click", () => openLogIn());
  }

  connectedCallback() {
    if (!this._text.isConnected) this.append(this._text, this._button);
  }

  render() {
    const text = sentence();
    setAttribute(this, "data-phase", phase());
    setText(this._text, text);
    setText(this._button, t("login.again"));
    showFocusable(this, text !== "");
  }
}

customElements.define("icu-session-banner", SessionBanner);

function sentence() {
  const [now, known] = [phase(), session()];
  if (now === "expired") return t("session.expired", { who: known?.who ?? "" });
  if (now !== "expiring" || !known?.expires) return "";
  return t("session.expiring", { time: shortTime(Date.parse(known.expires), false) });
}
