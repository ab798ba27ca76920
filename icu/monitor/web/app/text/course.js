/** Courses of illness of emulated patients in words. Those that a ward has made itself keep its own words. */

import { translated } from "./text.js";

/** @typedef {import("../api.js").Schemas["ScenarioEntry"]} Scenario */

/**
 * Title of a scenario.
 *
 * @param {string} name
 * @param {string} title as its file has it
 */
export const titleOf = (name, title) => translated(`course.${name}`, title);

/**
 * All that is known of a scenario: "chills → shock. Made for a lesson."
 *
 * @param {Scenario} scenario
 */
export function explained({ name, phases, note }) {
  return [phases.map(phase).join(" → "), translated(`course.${name}.note`, note)].filter(Boolean).join(". ");
}

/**
 * How far a patient has come: "Sepsis · shock · oxygen". Empty without a scenario.
 *
 * @param {import("../api.js").Schemas["State"]} truth
 */
export function present({ scenario, phase: now, event }) {
  if (!scenario) return "";
  const care = event.split(", ").map((each) => translated(`care.${each}`, each));
  return [titleOf(scenario, scenario), phase(now), care.join(", ")].filter(Boolean).join(" · ");
}

/** @param {string} name */
const phase = (name) => translated(`phase.${name}`, name);
