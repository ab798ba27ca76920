import assert from "node:assert/strict";
import { test } from "node:test";

import { ServerClock } from "../../icu/monitor/web/app/live/clock.js";
import { Ward } from "../../icu/monitor/web/app/live/ward.js";

const NOON = Date.parse("2026-01-31T12:00:00Z");
const STATE = { name: "ward", beds: 0, time: "2026-01-31T12:00:00Z", blind_since: null, behind: null };
const READING = { timestamp: "2026-01-31T11:59:58Z", pulse: 70 };
const ANNA = { uuid: "anna", name: "Anna", bed: "1", latest: READING, latest_age_seconds: 2, stale: false };
const ALARM = {
  id: "a",
  patient_uuid: "anna",
  priority: "high",
  presence: "present",
  signal: "on",
  inhibition: "none",
  ended: null,
  onset: "2026-01-31T12:00:00Z",
  raised: null,
  version: 3,
};

function loaded(alarms = [ALARM]) {
  let elapsed = 0;
  const ward = new Ward(new ServerClock(() => elapsed));
  ward.expect();
  ward.load(STATE, [ANNA], alarms);
  return { ward, bed: () => ward.beds.get("anna"), pass: (milliseconds) => (elapsed += milliseconds) };
}

test("ages go by the server's clock", () => {
  const { ward, bed, pass } = loaded();
  pass(3000);
  assert.equal(ward.clock.now(), NOON + 3000);
  assert.equal(ward.age(bed()), 5000);
  ward.receive("readings", [{ ...READING, timestamp: "2026-01-31T12:00:03Z", patient_uuid: "anna" }]);
  assert.equal(ward.age(bed()), 0);
});

test("a late reading is not the latest", () => {
  const { ward, bed } = loaded();
  ward.receive("readings", [{ ...READING, timestamp: "2026-01-31T11:00:00Z", pulse: 40, patient_uuid: "anna" }]);
  assert.equal(bed().latest.pulse, 70);
});

test("a reading that was old when it came has the age of its making", () => {
  const { ward, bed, pass } = loaded();
  assert.equal(ward.madeBefore(bed()), null);
  ward.load(STATE, [{ ...ANNA, latest: { ...READING, timestamp: "2026-01-31T09:00:00Z" } }], []);
  pass(1000);
  assert.equal(ward.madeBefore(bed()), NOON - 3 * 3_600_000);
  assert.equal(ward.ageOfValues(bed()), 3 * 3_600_000 + 1000);
  assert.equal(ward.age(bed()), 3000);
  ward.receive("readings", [{ ...READING, timestamp: "2026-01-31T11:59:31Z", patient_uuid: "anna" }]);
  pass(9000);
  assert.equal(ward.madeBefore(bed()), null);
  assert.equal(ward.ageOfValues(bed()), 9000);
});

test("an answer that was asked for before an event does not undo it", () => {
  const { ward, bed } = loaded();
  ward.expect();
  ward.receive("readings", [{ ...READING, timestamp: "2026-01-31T12:00:01Z", pulse: 80, patient_uuid: "anna" }]);
  ward.receive("alarms", [{ ...ALARM, version: 4, ended: "2026-01-31T12:00:01Z", signal: "off" }]);
  ward.load(STATE, [ANNA], [ALARM]);
  assert.equal(bed().latest.pulse, 80);
  assert.deepEqual(bed().alarms, []);
});

test("an alarm that an answer no longer has is over", () => {
  const { ward, bed } = loaded();
  assert.equal(bed().alarms.length, 1);
  ward.expect();
  ward.load(STATE, [ANNA], []);
  assert.deepEqual(bed().alarms, []);
});

test("an older version of an alarm changes nothing", () => {
  const { ward, bed } = loaded();
  ward.receive("alarms", [{ ...ALARM, version: 2, priority: "low" }]);
  assert.equal(bed().alarms[0].priority, "high");
});

test("a patient whom an answer no longer has is gone", () => {
  const { ward } = loaded();
  ward.expect();
  ward.load(STATE, [], []);
  assert.equal(ward.beds.size, 0);
});
