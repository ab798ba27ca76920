/** The page of one patient: values, alarms, strips of the past, and all that may be done. */

import { enter } from "./access/enter.js";
import { followSession, onSession } from "./access/session.js";
import { Announcer } from "./alarms/announcer.js";
import { Sound } from "./alarms/sound.js";
import { read, readPast } from "./api.js";
import { onCommand } from "./dialogs/form.js";
import { openLimits } from "./dialogs/limits.js";
import { h, show } from "./dom.js";
import { AlarmList } from "./elements/alarm-list.js";
import { BedActions } from "./elements/bed-actions.js";
import { BedState } from "./elements/bed-state.js";
import { BigNumbers } from "./elements/big-numbers.js";
import { News2Box } from "./elements/news2-box.js";
import { PastAlarms } from "./elements/past-alarms.js";
import { ScenarioBox } from "./elements/scenario-box.js";
import { SessionBanner } from "./elements/session-banner.js";
import { TrendStrips } from "./elements/trend-strips.js";
import { WardBanner } from "./elements/ward-banner.js";
import { WardHeader } from "./elements/ward-header.js";
import { Asked } from "./live/asked.js";
import { Connection } from "./live/connection.js";
import { History } from "./live/history.js";
import { Limits } from "./live/limits.js";
import { Ward } from "./live/ward.js";
import { PATIENT } from "./page.js";
import { renderEach } from "./rendering.js";
import { t } from "./text/text.js";
import { applyTheme, onLook } from "./theme.js";

applyTheme();
await enter();

/** Milliseconds between two looks at NEWS2 and at the emulator's truth, of which no event tells. */
const LOOK_EVERY = 5000;

/** Alarms that are looked through for those that are over, the newest, and milliseconds between two looks at them. */
const [PAST, PAST_EVERY] = [50, 20_000];

const ward = new Ward();
const limits = new Limits();
const history = new History(PATIENT, readPast);
/** @type {Asked<import("./elements/news2-box.js").News2>} */
const news2 = new Asked(`patient/${PATIENT}/news2`, LOOK_EVERY);
/** @type {Asked<import("./elements/scenario-box.js").Truth>} */
const truth = new Asked(`patient/${PATIENT}/truth`, LOOK_EVERY);
/** @type {Asked<import("./api.js").Alarm[]>} */
const past = new Asked(`alarms/history?patient=${PATIENT}&limit=${PAST}`, PAST_EVERY);
const connection = new Connection(ward);

/** @param {import("./vitals/signs.js").SignName} [sign] the one that the person came for */
function changeLimits(sign) {
  const patient = ward.beds.get(PATIENT)?.patient;
  if (patient) openLimits(patient, sign);
}

const [header, banner, sessionBanner] = [new WardHeader(), new WardBanner(), new SessionBanner()];
const [state, numbers, list] = [new BedState(), new BigNumbers(), new AlarmList(changeLimits)];
const [over, box, scenario, actions] = [new PastAlarms(past), new News2Box(news2), new ScenarioBox(truth), new BedActions(() => changeLimits())];
const strips = new TrendStrips(history);
const announcer = new Announcer();
const sound = new Sound(header.soundButton);
const missing = h("p", { class: "missing", role: "status" });
const known = h("div", { class: "known" }, h("div", { class: "present" }, state, numbers, list, over, box, actions, scenario), strips);

document.body.replaceChildren(header, banner, sessionBanner, h("main", { class: "bedside" }, missing, known), announcer.element);

/** Ask for the truth, where this patient is emulated. */
async function followTruth() {
  if (truth.answer) return;
  try {
    if ((await read(`scenarios?patient=${PATIENT}`)).length) await truth.look();
  } catch (error) {
    console.warn("the patient's scenarios could not be read:", error instanceof Error ? error.message : error);
  }
}

/** True once the patient is known: about others there is nothing to ask. */
let begun = false;

/** @param {import("./live/ward.js").Bed} bed */
function renderBed(bed) {
  if (!begun) {
    for (const each of [news2, past]) each.look();
    followTruth();
  }
  begun = true;
  const fresh = ward.link === "live" && !ward.blindSince;
  const [now, age, conditions] = [ward.clock.now(), ward.age(bed), limits.of(PATIENT)];
  if (ward.link !== "connecting") state.render(bed, now, age, fresh); // the first beat is on its way
  actions.render(bed);
  numbers.render(bed, conditions, ward.ageOfValues(bed), fresh);
  list.render(bed, now, fresh, conditions);
  over.render(now);
  box.render(now, fresh);
  scenario.render();
  strips.render(now, conditions, fresh);
}

const render = renderEach(ward, () => {
  const bed = ward.beds.get(PATIENT);
  const name = bed?.patient.name ?? t("bed.unnamed");
  const title = bed ? t("bedside.title", { bed: bed.patient.bed ?? "–", name }) : "";
  document.title = title || t("page.title", { ward: ward.state?.name ?? "" });
  header.render(ward, title);
  banner.render(ward);
  sessionBanner.render();
  show(known, Boolean(bed));
  missing.textContent = bed || !ward.state ? "" : t("bedside.unknown");
  if (bed) renderBed(bed);
  announcer.render(ward);
  sound.render(ward);
  header.renderSound(sound.isHeard);
});

onSession(render);
onLook(() => {
  header.putWords();
  strips.redraw();
});
connection.onReadings((readings) => history.notice(readings));
connection.onOpened(() => {
  strips.reload();
  if (begun) followTruth();
});
for (const each of [history, limits, news2, truth, past]) each.onChange(render);
onCommand(() => {
  connection.lookSoon();
  for (const each of [limits, news2, past]) each.look();
  if (truth.answer) truth.look();
});
limits.start();
connection.start();
followSession(ward.clock);
