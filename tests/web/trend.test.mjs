import assert from "node:assert/strict";
import { test } from "node:test";

import { timesOf } from "../../icu/monitor/web/app/charts/columns.js";
import { Trend } from "../../icu/monitor/web/app/live/trend.js";

test("gaps stay gaps, and values of the stream join the history's means", () => {
  const trend = new Trend(10, 4);
  trend.fill([100, 110, 120], [60, null, 90], [2, 0, 1]);
  trend.add(125, 100);
  assert.deepEqual(trend.means(135), [60, null, 95, null]);
});

test("what is older than its length is forgotten", () => {
  const trend = new Trend(10, 2);
  for (const time of [0, 10, 20, 30]) trend.add(time, time);
  assert.deepEqual(trend.means(30), [20, 30]);
  assert.deepEqual(trend.means(10), [null, 10]);
});

test("buckets stand at their times where the history has a hole, and else at even steps", () => {
  assert.deepEqual(timesOf({ t0: 100, step: 10 }, 3), [100, 110, 120]);
  const trend = new Trend(10, 4);
  trend.fill(timesOf({ times: [100, 130] }, 2), [60, 70], [1, 1]);
  assert.deepEqual(trend.means(135), [60, null, null, 70]);
});
