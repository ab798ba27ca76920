import assert from "node:assert/strict";
import { test } from "node:test";

// What settings and words ask a browser for.
Object.defineProperty(globalThis, "navigator", { value: { language: "en" }, configurable: true });
globalThis.addEventListener = () => {};
globalThis.localStorage = { getItem: () => null };
const { shown } = await import("../../icu/monitor/web/app/vitals/shown.js");

const latest = { pulse: 70, spo2: 97, bp: "118/76", map: 90, resp_rate: null, temperature: 36.8 };
const bed = (more = {}, ...conditions) => ({
  latest: { ...latest, ...more },
  alarms: conditions.map((condition) => ({ condition })),
});

test("a good value has no reason", () => {
  assert.deepEqual(shown(bed(), "pulse"), { digits: "70", mean: "", why: "" });
  assert.deepEqual(shown(bed(), "bp"), { digits: "118/76", mean: "(90)", why: "" });
});

test("a missing value is no number, and says why", () => {
  assert.deepEqual(shown(bed(), "resp_rate"), { digits: "- -", mean: "", why: "not measured" });
  const off = bed({ spo2: null, quality: { spo2: "probe-off" } });
  assert.deepEqual(shown(off, "spo2"), { digits: "- -", mean: "", why: "probe off" });
  assert.deepEqual(shown({ latest: null, alarms: [] }, "pulse"), { digits: "- -", mean: "", why: "" });
});

test("a doubtful value says why", () => {
  assert.deepEqual(shown(bed({ spo2: 82, quality: { spo2: "motion" } }), "spo2"), { digits: "82", mean: "", why: "motion" });
});

test("a damped line leaves the mean", () => {
  const damped = bed({ bp: "101/88", quality: { bp: "damped" } });
  assert.deepEqual(shown(damped, "bp"), { digits: "101/88", mean: "(90)", why: "line damped" });
  assert.deepEqual(shown(bed({ bp: null }), "bp"), { digits: "- -", mean: "(90)", why: "not measured" });
});

test("leads that are off have no pulse of 0", () => {
  assert.deepEqual(shown(bed({ pulse: 0 }, "disconnected"), "pulse"), { digits: "- -", mean: "", why: "Leads off" });
  assert.equal(shown(bed({ pulse: 0 }, "asystole"), "pulse").digits, "0");
});
