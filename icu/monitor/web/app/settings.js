/** Choices of a person at this browser, kept there. */

/**
 * @typedef {object} Settings
 * @property {"en" | "ru"} language
 * @property {"dark" | "light" | "system"} theme
 * @property {"Cel" | "[degF]"} temperature unit, as UCUM writes it
 * @property {"mm[Hg]" | "kPa"} pressure unit, as UCUM writes it
 * @property {"bed" | "severity"} order of the beds
 * @property {string} author name under which commands are sent; unverified
 */

const KEY = "icu.settings";

/** @type {Record<string, unknown[]>} */
const CHOICES = {
  language: ["en", "ru"],
  theme: ["dark", "light", "system"],
  temperature: ["Cel", "[degF]"],
  pressure: ["mm[Hg]", "kPa"],
  order: ["bed", "severity"],
};

/** @type {Settings} */
const DEFAULT = {
  language: navigator.language.startsWith("ru") ? "ru" : "en",
  theme: "dark",
  temperature: "Cel",
  pressure: "mm[Hg]",
  order: "bed",
  author: "",
};

/** @type {Settings} */
let current = { ...DEFAULT, ...kept() };

/** @type {Set<() => void>} */
const listeners = new Set();

/** Return the choices of now. */
export const settings = () => current;

/**
 * Change some of the choices, here and in the other tabs.
 *
 * @param {Partial<Settings>} changes
 */
export function change(changes) {
  current = { ...current, ...changes };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // A browser that keeps nothing still shows the ward.
  }
  for (const each of listeners) each();
}

/**
 * Call a function after each change.
 *
 * @param {() => void} listener
 */
export function onChange(listener) {
  listeners.add(listener);
}

addEventListener("storage", (event) => {
  if (/** @type {StorageEvent} */ (event).key !== KEY) return;
  current = { ...DEFAULT, ...kept() };
  for (const each of listeners) each();
});

/** @returns {Partial<Settings>} those that this version has */
function kept() {
  try {
    const found = Object.entries(JSON.parse(localStorage.getItem(KEY) ?? "{}") ?? {});
    return Object.fromEntries(found.filter(([key, value]) => CHOICES[key]?.includes(value) ?? key === "author"));
  } catch {
    return {};
  }
}
