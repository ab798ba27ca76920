import assert from "node:assert/strict";
import { test } from "node:test";

// What settings and words ask a browser for.
Object.defineProperty(globalThis, "navigator", { value: { language: "en" }, configurable: true });
globalThis.addEventListener = () => {};
globalThis.localStorage = { getItem: () => null };
const { isOff, isUnwatched, limitsInWords, limitsOf, placeInWords } = await import(
  "../../icu/monitor/web/app/vitals/limits.js"
);

const values = (found) => ({ values: found });
const CONDITIONS = {
  "pulse.low": values({ medium: null, high: null }),
  "pulse.high": values({ medium: 120, high: 150 }),
  "spo2.low": values({ medium: null, high: 80 }),
  "systolic.low": values({ medium: null }),
  "systolic.high": values({ medium: null }),
  "diastolic.low": values({ low: null }),
  "diastolic.high": values({ low: null }),
  "map.low": values({ medium: 60, high: 50 }),
  "map.high": values({ medium: 110 }),
};

test("the innermost limit is shown, of those that are on", () => {
  assert.deepEqual(limitsOf(CONDITIONS, "map"), [60, 110]);
  assert.equal(limitsInWords(CONDITIONS, "map"), "60 – 110");
  assert.equal(limitsInWords(CONDITIONS, "spo2"), "≥ 80");
  assert.equal(limitsInWords(CONDITIONS, "pulse"), "≤ 120");
});

test("an alarm that is off is told from one that a sign never has", () => {
  assert.equal(isOff(CONDITIONS, "pulse", "low"), true);
  assert.equal(isOff(CONDITIONS, "pulse", "high"), false);
  assert.equal(isOff(CONDITIONS, "spo2", "high"), false);
});

test("a sign without a limit is unwatched, and one whose limits are not known is not", () => {
  assert.equal(isUnwatched(CONDITIONS, "diastolic"), true);
  assert.equal(limitsInWords(CONDITIONS, "diastolic"), "off");
  assert.equal(isUnwatched(CONDITIONS, "pulse"), false);
  assert.equal(isUnwatched({}, "pulse"), false);
  assert.equal(limitsInWords({}, "pulse"), "");
});

test("a pressure is watched while one of its signs is", () => {
  assert.equal(placeInWords(CONDITIONS, "bp"), "blood pressure");
  const off = { ...CONDITIONS, "map.low": values({ medium: null, high: null }), "map.high": values({ medium: null }) };
  assert.equal(placeInWords(off, "bp"), "blood pressure (alarm off)");
});
