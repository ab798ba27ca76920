import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { History } from "../../icu/monitor/web/app/live/history.js";

const STEP = 1000;
const answer = (t0, ...values) => ({
  answer: { t0, step: STEP, scale: { pulse: 1 }, columns: { pulse: { min: values, mean: values, max: values } } },
  since: null,
});
const reading = (time, patient = "anna") => ({ patient_uuid: patient, timestamp: new Date(time).toISOString() });

/** A history whose questions are answered one by one, by hand. */
function asked() {
  const questions = [];
  const read = (path, query) => new Promise((resolve, reject) => questions.push({ path, query, resolve, reject }));
  return { questions, history: new History("anna", read) };
}

/** Timers that end when a test says so: those of Node's runner came with version 20. */
function handTimers() {
  const due = new Map();
  let last = 0;
  mock.method(globalThis, "setTimeout", (act) => due.set(++last, act) && last);
  mock.method(globalThis, "clearTimeout", (timer) => due.delete(timer));
  return () => {
    const acts = [...due.values()];
    due.clear();
    for (const each of acts) each();
  };
}

/** Let what was promised happen. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("a reading makes the buckets from it on be read again, and nothing else", async () => {
  const endTimers = handTimers();
  const { questions, history } = asked();
  history.load({ from: 0, to: null, span: 60_000, step: STEP });
  assert.deepEqual(questions[0].query, { from: "1970-01-01T00:00:00.000Z", every: "1s", format: "columns" });
  questions[0].resolve(answer(0, 60, 61, 62));
  await settle();
  history.notice([reading(2500), reading(1700, "boris"), reading(3100)]);
  endTimers();
  assert.equal(questions[1].query.from, "1970-01-01T00:00:02.000Z");
  questions[1].resolve(answer(2000, 72, 73));
  await settle();
  assert.deepEqual(history.columns.lines.pulse.mean, [60, 61, 72, 73]);
  endTimers();
  assert.equal(questions.length, 2);
  mock.restoreAll();
});

test("the time before which all was deleted is that of the last answer about the whole span", async () => {
  const endTimers = handTimers();
  const { questions, history } = asked();
  history.load({ from: 0, to: null, span: 60_000, step: STEP });
  questions[0].resolve({ ...answer(2000, 60), since: 2000 });
  await settle();
  assert.equal(history.since, 2000);
  history.notice([reading(3100)]);
  endTimers();
  questions[1].resolve(answer(3000, 61));
  await settle();
  assert.equal(history.since, 2000);
  history.load({ from: 2500, to: null, span: 60_000, step: STEP });
  questions[2].resolve(answer(3000, 61));
  await settle();
  assert.equal(history.since, null);
  mock.restoreAll();
});

test("whole buckets are asked for, also at the edges of the time shown", async () => {
  const endTimers = handTimers();
  const { questions, history } = asked();
  history.load({ from: 90_500, to: 200_001, span: 109_501, step: 60_000 });
  const { from, to } = questions[0].query;
  assert.deepEqual([from, to], ["1970-01-01T00:01:00.000Z", "1970-01-01T00:04:00.000Z"]);
  questions[0].resolve(answer(60_000, 60));
  await settle();
  history.notice([reading(60_000), reading(59_999), reading(240_000)]);
  endTimers();
  assert.deepEqual([questions[1].query.from, questions[1].query.to], [from, to]);
  mock.restoreAll();
});

test("an answer for a time that nobody looks at any more is dropped", async () => {
  const { questions, history } = asked();
  history.load({ from: 0, to: null, span: 60_000, step: STEP });
  history.load({ from: 5000, to: 9000, span: 4000, step: STEP });
  questions[1].resolve(answer(5000, 80));
  questions[0].resolve(answer(0, 60));
  await settle();
  assert.deepEqual(history.columns.times, [5000]);
});

test("readings outside the time shown ask for nothing", async () => {
  const endTimers = handTimers();
  const { questions, history } = asked();
  history.load({ from: 5000, to: 9000, span: 4000, step: STEP });
  questions[0].resolve(answer(5000, 80));
  await settle();
  history.notice([reading(4000), reading(9000)]);
  endTimers();
  assert.equal(questions.length, 1);
  mock.restoreAll();
});

test("a failure is told, what is shown stays, and it is tried again", async () => {
  const endTimers = handTimers();
  mock.method(console, "warn", () => {});
  const { questions, history } = asked();
  history.load({ from: 0, to: null, span: 60_000, step: STEP });
  questions[0].reject(new Error("away"));
  await settle();
  assert.deepEqual([history.failed, history.waits], [true, true]);
  endTimers();
  questions[1].resolve(answer(0, 60));
  await settle();
  assert.deepEqual([history.failed, history.waits], [false, false]);
  history.notice([reading(1000)]);
  endTimers();
  questions[2].reject(new Error("away"));
  await settle();
  assert.deepEqual([history.failed, history.columns.times], [true, [0]]);
  endTimers();
  assert.equal(questions[3].query.from, "1970-01-01T00:00:01.000Z");
  mock.restoreAll();
});

test("what follows keeps the time that it shows, however long the page is open", async () => {
  const endTimers = handTimers();
  const { questions, history } = asked();
  history.load({ from: 0, to: null, span: 3000, step: STEP });
  questions[0].resolve(answer(0, 60, 61, 62));
  await settle();
  history.notice([reading(4000)]);
  endTimers();
  questions[1].resolve(answer(4000, 64));
  await settle();
  assert.deepEqual(history.columns.times, [1000, 2000, 4000]);
  mock.restoreAll();
});

test("what stands keeps all of its time when a late reading comes", async () => {
  const endTimers = handTimers();
  const { questions, history } = asked();
  history.load({ from: 1000, to: 5000, span: 1000, step: STEP });
  questions[0].resolve(answer(1000, 61, 62, 63));
  await settle();
  history.notice([reading(3500)]);
  endTimers();
  questions[1].resolve(answer(3000, 73));
  await settle();
  assert.deepEqual(history.columns.lines.pulse.mean, [61, 62, 73]);
  mock.restoreAll();
});
