import assert from "node:assert/strict";
import { test } from "node:test";

import { changed, fieldsOf, hasLimits } from "../../icu/monitor/web/app/vitals/limit-form.js";

const WARD = {
  asystole: { values: { high: 0 } },
  "pulse.low": { values: { medium: 50, high: 40 }, delays: { medium: 4, high: 4 } },
  "pulse.high": { values: { medium: 120, high: 150 } },
  "diastolic.low": { values: { low: null } },
};

test("the fields of a sign go from the lowest limit to the highest one, and lethal conditions have none", () => {
  const fields = fieldsOf(WARD, {});
  assert.deepEqual([...fields.keys()], ["pulse", "diastolic"]);
  assert.deepEqual(fields.get("pulse").map((each) => each.value), [40, 50, 120, 150]);
  assert.equal(fields.get("diastolic")[0].value, null);
});

test("a field tells if the limit is the patient's own", () => {
  const fields = fieldsOf(WARD, { "pulse.low": { values: { high: 40 } } });
  assert.deepEqual(fields.get("pulse").map((each) => each.own), [true, false, false, false]);
});

test("a change keeps the other own limits and all delays", () => {
  const own = { "pulse.low": { values: { high: 38 }, delays: { high: 9 } } };
  const change = { condition: "pulse.low", tier: "medium", changed: 45 };
  assert.deepEqual(changed(own, [change])["pulse.low"], { values: { high: 38, medium: 45 }, delays: { high: 9 } });
  assert.deepEqual(own["pulse.low"].values, { high: 38 });
});

test("a limit that is turned off is null, also where the patient had none of the condition", () => {
  const made = changed({}, [{ condition: "pulse.high", tier: "high", changed: null }]);
  assert.deepEqual(made, { "pulse.high": { values: { high: null } } });
});

test("an alarm about a limit leads to the form, a lethal or technical one does not", () => {
  for (const condition of ["pulse.low", "map.high"]) assert.ok(hasLimits({ condition }));
  for (const condition of ["asystole", "apnoea", "spo2.unavailable", "data.stale"]) assert.ok(!hasLimits({ condition }));
});
