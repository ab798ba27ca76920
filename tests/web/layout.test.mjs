import assert from "node:assert/strict";
import { test } from "node:test";

import { layout } from "../../icu/monitor/web/app/elements/layout.js";

test("sixteen beds are four by four on a large screen", () => {
  assert.deepEqual(layout(16, 1904, 1016), { columns: 4, rows: 4, dense: false, scrolls: false });
});

test("a hundred beds are dense, and fit without a scroll bar", () => {
  assert.deepEqual(layout(100, 1912, 1024), { columns: 10, rows: 10, dense: true, scrolls: false });
});

test("a phone has one column and scrolls", () => {
  assert.deepEqual(layout(8, 390, 700), { columns: 1, rows: 8, dense: false, scrolls: true });
});

test("24 beds stay on one small screen", () => {
  assert.deepEqual(layout(24, 1280, 650), { columns: 5, rows: 5, dense: false, scrolls: false });
});

test("beds that would be too small to read scroll, in columns of a readable width", () => {
  assert.deepEqual(layout(100, 1366, 715), { columns: 7, rows: 15, dense: true, scrolls: true });
  assert.deepEqual(layout(16, 960, 440), { columns: 3, rows: 6, dense: false, scrolls: true });
});
