import assert from "node:assert/strict";
import { test } from "node:test";

import { edgeOf, isDay, marks } from "../../icu/monitor/web/app/charts/axis.js";
import { decode, joined, nothing, placeAt, withGaps } from "../../icu/monitor/web/app/charts/columns.js";
import { runs } from "../../icu/monitor/web/app/charts/runs.js";
import { every, stepFor } from "../../icu/monitor/web/app/charts/steps.js";
import { STRIPS, edges, isDrawn } from "../../icu/monitor/web/app/charts/strips.js";
import { bounds, marked, moved, newest, zoomed } from "../../icu/monitor/web/app/charts/view.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const line = (...values) => ({ min: values, mean: values, max: values });

test("a bucket is about a pixel, and never less than a second", () => {
  assert.equal(stepFor(DAY, 1330), MINUTE);
  assert.equal(stepFor(DAY, 280), 5 * MINUTE);
  assert.equal(stepFor(MINUTE, 1330), 1000);
  assert.equal(stepFor(30 * DAY, 1330), 30 * MINUTE);
  assert.equal(every(stepFor(HOUR, 1330)), "5s");
});

test("a wide screen asks for no more buckets than a day in minutes", () => {
  assert.equal(stepFor(DAY, 4000), MINUTE);
  for (const span of [2 * MINUTE, HOUR, 7 * DAY, 30 * DAY]) assert.ok(span / stepFor(span, 4000) <= 1440);
});

test("from a day on buckets are whole minutes, and of a year whole hours, which the server has summed up", () => {
  for (const width of [280, 1330, 4000]) {
    for (const span of [DAY, 1.5 * DAY, 7 * DAY, 30 * DAY]) assert.equal(stepFor(span, width) % MINUTE, 0);
    assert.equal(stepFor(365 * DAY, width) % HOUR, 0);
  }
});

test("a view that follows ends now, and goes on following when it is zoomed", () => {
  const view = newest(DAY);
  assert.deepEqual(bounds(view, 10 * DAY), [9 * DAY, 10 * DAY]);
  assert.deepEqual(zoomed(view, 0.5, 10 * DAY), newest(DAY / 2));
});

test("a view that stands keeps its middle when it is zoomed", () => {
  const view = { span: 2 * HOUR, end: 5 * HOUR };
  assert.deepEqual(bounds(zoomed(view, 0.5, DAY), DAY), [3.5 * HOUR, 4.5 * HOUR]);
});

test("a drag shows what it marked, in either direction, and at least two minutes", () => {
  assert.deepEqual(marked(2 * HOUR, HOUR, DAY), { span: HOUR, end: 2 * HOUR });
  assert.deepEqual(marked(HOUR, HOUR, DAY), { span: 2 * MINUTE, end: HOUR + MINUTE });
});

test("earlier stands, and later reaches the newest values at last", () => {
  const earlier = moved(newest(2 * HOUR), -0.5, DAY);
  assert.deepEqual(earlier, { span: 2 * HOUR, end: 23 * HOUR });
  assert.deepEqual(moved(earlier, 0.5, DAY), newest(2 * HOUR));
});

test("no span is over a year", () => {
  assert.equal(zoomed(newest(300 * DAY), 2, 0).span, 365 * DAY);
});

test("an answer is decoded by its scale, with even times or those that it names", () => {
  const column = { min: [360, null], mean: [365, null], max: [371, null], count: [2, 0], flagged: [0, 0] };
  const even = decode({ t0: 1000, step: 500, scale: { temperature: 10 }, columns: { temperature: column } });
  assert.deepEqual(even.times, [1000, 1500]);
  assert.deepEqual(even.lines.temperature, { min: [36, null], mean: [36.5, null], max: [37.1, null] });
  const uneven = decode({ times: [1, 9], scale: { temperature: 100 }, columns: { temperature: column } });
  assert.deepEqual(uneven.times, [1, 9]);
  assert.equal(uneven.lines.temperature.mean[0], 3.65);
});

test("a newer part takes the place of the old one, and what is too old goes", () => {
  const old = { times: [0, 10, 20, 30], lines: { pulse: line(60, 61, 62, 63) } };
  const tail = { times: [20, 30, 40], lines: { pulse: line(72, 73, 74) } };
  const made = joined(old, tail, 20, 10);
  assert.deepEqual(made.times, [10, 20, 30, 40]);
  assert.deepEqual(made.lines.pulse, line(61, 72, 73, 74));
});

test("a sign that came or went is null elsewhere, and old columns that are all too old leave nothing", () => {
  const made = joined({ times: [0, 10], lines: { map: line(80, 81) } }, { times: [20], lines: { pulse: line(60) } }, 20, 0);
  assert.deepEqual(made.lines, { map: line(80, 81, null), pulse: line(null, null, 60) });
  assert.deepEqual(joined({ times: [0], lines: {} }, nothing(), 5, 5).times, []);
});

test("a gap gets a bucket of nulls", () => {
  const columns = { times: [0, MINUTE, 5 * MINUTE, 6 * MINUTE], lines: { pulse: line(60, 61, 62, 63) } };
  const made = withGaps(columns, MINUTE);
  assert.deepEqual(made.times, [0, MINUTE, 2 * MINUTE, 5 * MINUTE, 6 * MINUTE]);
  assert.deepEqual(made.lines.pulse.mean, [60, 61, null, 62, 63]);
});

test("one missing minute is a gap, and a sender slower than the buckets has none", () => {
  const minutes = { times: [0, 1, 2, 4, 5, 6].map((each) => each * MINUTE), lines: { pulse: line(1, 2, 3, 4, 5, 6) } };
  assert.equal(withGaps(minutes, MINUTE).times.length, 7);
  const slow = { times: [0, 1, 2, 3].map((each) => each * MINUTE), lines: { pulse: line(1, 2, 3, 4) } };
  assert.equal(withGaps(slow, 1000), slow);
});

test("the cursor finds the bucket that a time is in, and nothing in a gap", () => {
  const columns = { times: [0, MINUTE, 2 * MINUTE, 9 * MINUTE], lines: {} };
  assert.equal(placeAt(columns, 1.5 * MINUTE, MINUTE), 1);
  assert.equal(placeAt(columns, 6 * MINUTE, MINUTE), undefined);
  assert.equal(placeAt(columns, -1, MINUTE), undefined);
});

test("the edges of a strip hold all that was measured, the envelope too", () => {
  const [pulse] = STRIPS;
  assert.deepEqual(edges(pulse, nothing()), [30, 160]);
  const lines = { pulse: { min: [null, 22], mean: [null, 80], max: [null, 171] } };
  assert.deepEqual(edges(pulse, { times: [0, 1], lines }), [20, 180]);
});

test("a strip of nulls is not drawn", () => {
  const [pulse, , pressure] = STRIPS;
  assert.equal(isDrawn(pulse, { times: [0], lines: { pulse: line(null) } }), false);
  assert.equal(isDrawn(pressure, { times: [0], lines: { systolic: line(null), diastolic: line(60) } }), true);
});

test("runs are the parts between gaps", () => {
  assert.deepEqual(runs([null, 1, 2, null, 3]), [[1, 3], [4, 5]]);
  assert.deepEqual(runs([null, null]), []);
});

test("marks stand at round times of the zone, and have room", () => {
  const utc = () => 0;
  assert.deepEqual(marks(0.4 * HOUR, 6.4 * HOUR, 700, utc), [1, 2, 3, 4, 5, 6].map((each) => each * HOUR));
  const moscow = () => -180;
  assert.deepEqual(marks(0, DAY, 300, moscow), [9 * HOUR, 21 * HOUR]);
});

test("a mark near an edge has its text inside, however narrow the axis is", () => {
  for (const width of [300, 1800]) {
    assert.equal(edgeOf(29 / width, width), "left");
    assert.equal(edgeOf(31 / width, width), "");
    assert.equal(edgeOf(1 - 31 / width, width), "");
    assert.equal(edgeOf(1 - 29 / width, width), "right");
  }
});

test("a year has marks that stand apart, and each says its day where clocks are changed between them", () => {
  for (const width of [280, 390, 1330, 4000]) {
    const times = marks(0, 365 * DAY, width, () => 0);
    assert.ok(times.length >= 2 && times.length <= width / 110 + 1, `${times.length} on ${width}`);
  }
  const anHourPastMidnight = new Date(2026, 5, 1, 1).getTime();
  assert.equal(isDay(anHourPastMidnight, DAY), true);
  assert.equal(isDay(anHourPastMidnight, 12 * HOUR), false);
  assert.equal(isDay(new Date(2026, 5, 1).getTime(), HOUR), true);
});
