import assert from "node:assert/strict";
import { test } from "node:test";

import { byUrgency, foremost, isActive, sounds } from "../../icu/monitor/web/app/alarms/order.js";

const ALARM = {
  id: "a",
  priority: "medium",
  presence: "present",
  signal: "on",
  inhibition: "none",
  ended: null,
  onset: "2026-01-31T12:00:00Z",
  raised: "2026-01-31T12:00:10Z",
};

test("a pending alarm is none yet, and one that has ended is none any more", () => {
  assert.equal(isActive(ALARM), true);
  assert.equal(isActive({ ...ALARM, presence: "pending", signal: "off" }), false);
  assert.equal(isActive({ ...ALARM, presence: "absent", signal: "latched" }), true);
  assert.equal(isActive({ ...ALARM, ended: "2026-01-31T12:01:00Z" }), false);
});

test("a latched alarm sounds if it is high, and a paused one never", () => {
  assert.equal(sounds({ ...ALARM, signal: "latched" }), false);
  assert.equal(sounds({ ...ALARM, signal: "latched", priority: "high" }), true);
  assert.equal(sounds({ ...ALARM, priority: "high", inhibition: "paused" }), false);
});

test("the order is by priority, then by sound, then by age", () => {
  const high = { ...ALARM, id: "h", priority: "high" };
  const silent = { ...ALARM, id: "s", signal: "acknowledged" };
  const newer = { ...ALARM, id: "n", raised: "2026-01-31T12:00:20Z" };
  const sorted = [silent, ALARM, newer, high].sort(byUrgency).map(({ id }) => id);
  assert.deepEqual(sorted, ["h", "n", "a", "s"]);
});

test("a heart that stands still comes before its low pulse, however new, and not once it beats", () => {
  const still = { ...ALARM, id: "still", condition: "asystole", priority: "high" };
  const slow = { ...ALARM, id: "slow", condition: "pulse.low", priority: "high", raised: "2026-01-31T12:09:00Z" };
  const order = (...alarms) => alarms.sort(byUrgency).map(({ id }) => id);
  assert.deepEqual(order(slow, still), ["still", "slow"]);
  assert.deepEqual(order({ ...still, presence: "absent", signal: "latched" }, slow), ["slow", "still"]);
});

test("a tile names the alarm that waits for somebody, before one that is acknowledged or silenced", () => {
  const answered = { ...ALARM, id: "high", priority: "high", signal: "acknowledged" };
  const shelved = { ...ALARM, id: "shelved", inhibition: "shelved" };
  assert.equal(foremost([answered, shelved, ALARM]).id, "a");
  assert.equal(foremost([answered, shelved]).id, "high");
  assert.equal(foremost([]), undefined);
});
