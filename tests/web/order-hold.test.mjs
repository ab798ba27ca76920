import assert from "node:assert/strict";
import { test } from "node:test";

import { OrderHold } from "../../icu/monitor/web/app/elements/order-hold.js";

test("tiles under a hand wait ten seconds at most", () => {
  let now = 0;
  const hold = new OrderHold(() => now);
  assert.equal(hold.keeps(true, true), true);
  now = 9_999;
  assert.equal(hold.keeps(true, true), true);
  now = 10_000;
  assert.equal(hold.keeps(true, true), false);
  assert.equal(hold.keeps(true, true), true);
});

test("tiles that nobody uses change places at once, and the next wait is a whole one", () => {
  let now = 0;
  const hold = new OrderHold(() => now);
  hold.keeps(true, true);
  now = 5_000;
  assert.equal(hold.keeps(true, false), false);
  now = 11_000;
  assert.equal(hold.keeps(true, true), true);
});
