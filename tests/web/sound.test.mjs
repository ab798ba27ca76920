import assert from "node:assert/strict";
import { test } from "node:test";

// The module reads the settings at once, which stand in a browser's storage.
globalThis.addEventListener = () => {};
globalThis.localStorage = { getItem: () => null };
Object.defineProperty(globalThis, "navigator", { value: { language: "en" }, configurable: true });
const { soundingUrgency } = await import("../../icu/monitor/web/app/alarms/sound.js");

const ON = { priority: "low", signal: "on", inhibition: "none" };
const ward = (alarms, lostSince = null, now = 0) => ({
  alarms: [],
  admitted: [{ alarms }],
  lostSince,
  clock: { now: () => now },
});

test("the most urgent alarm sounds, and those that are answered do not", () => {
  assert.equal(soundingUrgency(ward([])), 0);
  assert.equal(soundingUrgency(ward([ON, { ...ON, priority: "high", signal: "acknowledged" }])), 1);
  assert.equal(soundingUrgency(ward([ON, { ...ON, priority: "high" }])), 3);
});

test("a connection that is lost for ten seconds sounds as a medium alarm", () => {
  assert.equal(soundingUrgency(ward([], 1000, 10_999)), 0);
  assert.equal(soundingUrgency(ward([], 1000, 11_000)), 2);
  assert.equal(soundingUrgency(ward([{ ...ON, priority: "high" }], 1000, 11_000)), 3);
});
