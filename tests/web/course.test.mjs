import assert from "node:assert/strict";
import { test } from "node:test";

// What settings and words ask a browser for: its language is Russian.
Object.defineProperty(globalThis, "navigator", { value: { language: "ru" }, configurable: true });
globalThis.addEventListener = () => {};
globalThis.localStorage = { getItem: () => null };
const { explained, present, titleOf } = await import("../../icu/monitor/web/app/text/course.js");

test("a scenario is told in the language of the page", () => {
  assert.equal(titleOf("sepsis", "Sepsis"), "Сепсис");
  const stable = { name: "stable", title: "Stable", note: "Nothing happens.", phases: ["stable"] };
  assert.match(explained(stable), /^стабильно\. Пока выбрано/);
});

test("a ward's own scenario keeps its words", () => {
  const own = { name: "our-lesson", title: "Our lesson", note: "For Mondays.", phases: ["chills", "Monday"] };
  assert.equal(titleOf(own.name, own.title), "Our lesson");
  assert.equal(explained(own), "озноб → Monday. For Mondays.");
});

test("a patient is in a phase, with what staff did", () => {
  const truth = { scenario: "sepsis-fast", phase: "shock", event: "oxygen, vasopressor" };
  assert.equal(present(truth), "Сепсис, учебный · шок · кислород, вазопрессор");
  assert.equal(present({ scenario: "fever", phase: "rise", event: "" }), "Лихорадка · подъём");
  assert.equal(present({ scenario: "our-lesson", phase: "Monday", event: "" }), "our-lesson · Monday");
  assert.equal(present({ scenario: "", phase: "", event: "oxygen" }), "");
});
