/** The way to the ward: with the key of the address, the session that is there, or the form to log in. */

import { ApiError } from "../api.js";
import { h } from "../dom.js";
import { LogInForm } from "../elements/log-in-form.js";
import { t } from "../text/text.js";
import { onLook } from "../theme.js";
import { KEY } from "./key.js";
import { logIn, look, onSession, phase } from "./session.js";

/** Milliseconds until a key is sent again. A wall screen may be up before the database. */
const AGAIN_AFTER = 5000;

/** Milliseconds between two looks while nobody has logged in: another tab may, or the server may ask for it no more. */
const LOOK_EVERY = 5000;

/** Wait until this browser may see the ward; also where it can't be known, for the ward says then what is wrong. */
export async function enter() {
  const refused = KEY ? await offer(KEY) : await look();
  if (phase() === "out" || refused) await askToLogIn(refused);
}

/**
 * Log in with a key, as soon as the server can.
 *
 * @param {string} key
 * @returns {Promise<ApiError | undefined>} the refusal
 */
async function offer(key) {
  for (;;) {
    try {
      await logIn({ key });
      return undefined;
    } catch (error) {
      if (!(error instanceof ApiError) || !passes(error)) return /** @type {ApiError} */ (error);
      console.warn("the key could not be sent:", error.message);
      await new Promise((resume) => setTimeout(resume, error.retryAfter ? error.retryAfter * 1000 : AGAIN_AFTER));
    }
  }
}

/** @param {ApiError} error */
const passes = ({ status }) => status === 0 || status === 429 || status >= 500;

/** @param {ApiError | void} refused */
async function askToLogIn(refused) {
  const [title, form] = [h("h1"), new LogInForm()];
  const disclaimer = h("p", { class: "hint" });
  const putWords = () => {
    document.title = title.textContent = t("login.title");
    disclaimer.textContent = t("page.disclaimer");
    form.putWords();
  };
  document.body.replaceChildren(h("main", { class: "gate" }, h("section", {}, title, form, disclaimer)));
  putWords();
  // The page goes on to hear of new words when the form is gone.
  onLook(() => form.isConnected && putWords());
  if (refused) form.refuse(refused, "key");
  form.focus();
  const looks = setInterval(look, LOOK_EVERY);
  await new Promise((resolve) => onSession(() => phase() === "out" || resolve(undefined)));
  clearInterval(looks);
}
