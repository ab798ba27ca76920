import assert from "node:assert/strict";
import { test } from "node:test";

// What settings and words ask a browser for.
Object.defineProperty(globalThis, "navigator", { value: { language: "en" }, configurable: true });
globalThis.addEventListener = () => {};
globalThis.localStorage = { getItem: () => null, setItem: () => {} };
const { change } = await import("../../icu/monitor/web/app/settings.js");
const { words } = await import("../../icu/monitor/web/app/alarms/words.js");
const { format } = await import("../../icu/monitor/web/app/vitals/units.js");

const fast = { condition: "pulse.high", signal: "active", value: 151, worst: 160, limit: 120 };
const slow = { condition: "resp_rate.low", signal: "active", value: 6, worst: 5, limit: 8 };

test("an alarm has the value of now while it is beyond the limit", () => {
  assert.equal(words(fast, { pulse: 130 }), "HR 130 > 120");
  assert.equal(words(slow, { resp_rate: 7 }), "RR 7 < 8");
});

test("an alarm whose value is back inside is told as one that was", () => {
  assert.equal(words(fast, { pulse: 120 }), "was HR 151 > 120");
  assert.equal(words(slow, { resp_rate: 8 }), "was RR 6 < 8");
  assert.equal(words({ ...fast, signal: "latched" }, { pulse: 80 }), "was HR 160 > 120");
});

test("an alarm without a value of now has the one that raised it", () => {
  assert.equal(words(fast, null), "HR 151 > 120");
  assert.equal(words(fast, { pulse: null }), "HR 151 > 120");
});

test("one without a limit of its own is never inside", () => {
  assert.equal(words({ condition: "asystole", signal: "active", value: 0, worst: 0, limit: 0 }, { pulse: 0 }), "Asystole");
});

test("decimals are written as in the language", () => {
  assert.equal(format("temperature", 36.84), "36.8");
  change({ language: "ru" });
  assert.equal(format("temperature", 36.84), "36,8");
  assert.equal(format("pulse", 71), "71");
});
