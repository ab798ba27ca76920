import assert from "node:assert/strict";
import { test } from "node:test";

// What settings and words ask a browser for.
Object.defineProperty(globalThis, "navigator", { value: { language: "en" }, configurable: true });
globalThis.addEventListener = () => {};
globalThis.localStorage = { getItem: () => null, setItem: () => {} };
const { change } = await import("../../icu/monitor/web/app/settings.js");
const { words } = await import("../../icu/monitor/web/app/alarms/words.js");
const { format, formatLimit } = await import("../../icu/monitor/web/app/vitals/units.js");

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

test("an alarm is compared with the limit that is in force for its priority", () => {
  const pressure = { condition: "map.low", priority: "medium", signal: "on", value: 95, worst: 95, limit: 105 };
  const limits = (medium) => ({ "map.low": { values: { medium, high: 50 } } });
  assert.equal(words(pressure, { map: 98 }, limits(99)), "MAP 98 < 99");
  assert.equal(words(pressure, { map: 101 }, limits(99)), "was MAP 95 < 105");
  assert.equal(words(pressure, { map: 98 }, limits(null)), "was MAP 95 < 105");
  assert.equal(words(pressure, { map: 98 }, {}), "MAP 98 < 105");
});

test("a limit has all its decimals, so that no value looks as if it were inside", () => {
  const pressure = { condition: "map.low", priority: "medium", signal: "on", value: 88, worst: 88, limit: 89.26 };
  assert.equal(words(pressure, { map: 89 }), "MAP 89 < 89.26");
  assert.equal(formatLimit("map", 65), "65");
  change({ pressure: "kPa" });
  assert.equal(formatLimit("map", 89.26), "11.9");
  assert.equal(formatLimit("map", 65), "8.67");
  change({ pressure: "mm[Hg]" });
  assert.equal(formatLimit("temperature", 38.5), "38.5");
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
