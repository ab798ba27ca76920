import assert from "node:assert/strict";
import { test } from "node:test";

import { WARN_BEFORE, mayCommand, phaseOf, timeLeft, typesName } from "../../icu/monitor/web/app/access/phase.js";

const END = "2026-01-31T12:00:00Z";
const NOW = Date.parse(END);
const NURSE = { open: false, who: "olga", role: "nurse", expires: END, lapsed: null };
const VIEWER = { ...NURSE, role: "viewer" };

test("a nurse's session is warned of before its end, and ends by the server's clock", () => {
  assert.equal(phaseOf(NURSE, NOW - WARN_BEFORE - 1), "nurse");
  assert.equal(phaseOf(NURSE, NOW - WARN_BEFORE), "expiring");
  assert.equal(phaseOf(NURSE, NOW - 1), "expiring");
  assert.equal(phaseOf(NURSE, NOW), "expired");
  assert.equal(phaseOf({ ...NURSE, role: "admin" }, NOW), "expired");
});

test("before the server's clock is known, and without an end, nothing ends", () => {
  assert.equal(phaseOf(NURSE, null), "nurse");
  assert.equal(phaseOf({ ...NURSE, expires: null }, NOW), "nurse");
  assert.equal(timeLeft(NURSE, NOW - 5), 5);
});

test("a viewer is one until the server says otherwise, and one that was a nurse is told so", () => {
  assert.equal(phaseOf(VIEWER, NOW + 1), "viewer");
  assert.equal(phaseOf({ ...VIEWER, lapsed: "nurse" }, NOW - WARN_BEFORE * 9), "expired");
});

test("nobody sees the ward without a role, and everybody where there are no keys", () => {
  const nobody = { open: false, who: null, role: "public", expires: null, lapsed: null };
  assert.equal(phaseOf(nobody, NOW), "out");
  assert.equal(phaseOf({ ...nobody, open: true, role: "admin" }, NOW), "open");
  assert.equal(phaseOf(null, NOW), "unknown");
});

test("commands are taken of nurses, and of anybody under a typed name where nobody logs in", () => {
  const phases = /** @type {const} */ (["unknown", "open", "out", "viewer", "nurse", "expiring", "expired"]);
  assert.deepEqual(phases.filter(mayCommand), ["unknown", "open", "nurse", "expiring"]);
  assert.deepEqual(phases.filter(typesName), ["unknown", "open"]);
});
