/** The theme, and its colours for canvases, which style sheets don't reach. */

import { onChange, settings } from "./settings.js";

/** @type {Map<string, string>} */
const colours = new Map();

/** @type {Set<() => void>} */
const listeners = new Set();

const system = matchMedia("(prefers-color-scheme: light)");

/** Put the theme and the language on the page, now and after each change. */
export function applyTheme() {
  const apply = () => {
    const { theme, language, temperature, pressure } = settings();
    const page = document.documentElement;
    page.dataset.theme = theme === "system" ? (system.matches ? "light" : "dark") : theme;
    page.lang = language;
    // The style sheet makes room for the digits that a unit needs.
    Object.assign(page.dataset, { temperature, pressure });
    colours.clear();
    for (const each of listeners) each();
  };
  apply();
  onChange(apply);
  system.addEventListener("change", apply);
}

/**
 * Call a function after each change of colours, units or language.
 *
 * @param {() => void} listener
 */
export function onLook(listener) {
  listeners.add(listener);
}

/**
 * Colour of the theme, as canvases take it.
 *
 * @param {string} name of the style sheet's variable, without dashes: "pulse"
 */
export function colour(name) {
  const known = colours.get(name);
  if (known) return known;
  const found = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  colours.set(name, found);
  return found;
}
