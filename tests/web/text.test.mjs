import assert from "node:assert/strict";
import { test } from "node:test";

process.env.TZ = "UTC";
// What settings and words ask a browser for.
Object.defineProperty(globalThis, "navigator", { value: { language: "en" }, configurable: true });
globalThis.addEventListener = () => {};
globalThis.localStorage = { getItem: () => null, setItem: () => {} };
const { change } = await import("../../icu/monitor/web/app/settings.js");
const { clockMinute, clockTime } = await import("../../icu/monitor/web/app/text/text.js");

const NOON = Date.parse("2026-11-29T12:00:00Z");
const TONIGHT = Date.parse("2026-11-29T22:19:20Z");
const TOMORROW = Date.parse("2026-11-30T00:19:20Z");

test("what has happened is told to the second", () => {
  assert.equal(clockTime(TONIGHT, NOON), "22:19:20");
});

test("what will end is told to the minute, with the day where it is another one", () => {
  assert.equal(clockMinute(TONIGHT, NOON), "22:19");
  assert.equal(clockMinute(TOMORROW, NOON), "Nov 30 00:19");
  change({ language: "ru" });
  assert.equal(clockMinute(TOMORROW, NOON), "30 нояб. 00:19");
});
