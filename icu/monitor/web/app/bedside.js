/** The page of one patient: the values, and all alarms with who has seen to them. */

import { Announcer } from "./alarms/announcer.js";
import { Sound } from "./alarms/sound.js";
import { h } from "./dom.js";
import { AlarmList } from "./elements/alarm-list.js";
import { BedTile } from "./elements/bed-tile.js";
import { WardBanner } from "./elements/ward-banner.js";
import { WardHeader } from "./elements/ward-header.js";
import { Limits } from "./live/limits.js";
import { Session } from "./live/session.js";
import { Trends } from "./live/trends.js";
import { Ward } from "./live/ward.js";
import { PATIENT } from "./page.js";
import { renderEach } from "./rendering.js";
import { t } from "./text/text.js";
import { applyTheme, onLook } from "./theme.js";

applyTheme();

const ward = new Ward();
const limits = new Limits();
const trends = new Trends();
const session = new Session(ward);
const [header, banner, tile, list] = [new WardHeader(), new WardBanner(), new BedTile(), new AlarmList()];
const announcer = new Announcer();
const sound = new Sound(header.soundButton);
const missing = h("p", { class: "missing", role: "status" });

const view = h("main", { class: "bedside" }, missing, tile, list);
document.body.replaceChildren(header, banner, view, announcer.element);
onLook(() => {
  header.putWords();
  tile.redraw();
});
new ResizeObserver(() => tile.redraw()).observe(view);

/** Read the lines of the last hour, once the server's time is known. */
async function loadTrends() {
  const now = ward.clock.now();
  if (now !== null) await trends.load(now);
}

session.onOpened(loadTrends);
session.onReadings((readings) => trends.add(readings));
ward.onFirst(loadTrends);
renderEach(ward, () => {
  const bed = ward.beds.get(PATIENT);
  const name = bed?.patient.name ?? t("bed.unnamed");
  const title = bed ? t("bedside.title", { bed: bed.patient.bed ?? "–", name }) : "";
  document.title = title || t("page.title", { ward: ward.state?.name ?? "" });
  header.render(ward, title);
  banner.render(ward);
  tile.hidden = list.hidden = !bed;
  missing.textContent = bed || !ward.state ? "" : t("bedside.unknown");
  if (bed) {
    const fresh = ward.link === "live" && !ward.blindSince;
    tile.render(bed, { ward, fresh, now: ward.clock.now(), limits: (patient) => limits.of(patient), trends });
    list.render(bed, ward.clock.now());
  }
  announcer.render(ward);
  sound.render(ward);
});
limits.start();
session.start();
