/** The page of the ward. */

import { enter } from "./access/enter.js";
import { followSession, onSession } from "./access/session.js";
import { Announcer } from "./alarms/announcer.js";
import { Sound } from "./alarms/sound.js";
import { SessionBanner } from "./elements/session-banner.js";
import { WardBanner } from "./elements/ward-banner.js";
import { WardHeader } from "./elements/ward-header.js";
import { WardWall } from "./elements/ward-wall.js";
import { h } from "./dom.js";
import { Connection } from "./live/connection.js";
import { Limits } from "./live/limits.js";
import { Trends } from "./live/trends.js";
import { Ward } from "./live/ward.js";
import { renderEach } from "./rendering.js";
import { applyTheme, onLook } from "./theme.js";
import { t } from "./text/text.js";

applyTheme();
await enter();

const ward = new Ward();
const limits = new Limits();
const trends = new Trends();
const connection = new Connection(ward);
const [header, banner, sessionBanner, wall] = [new WardHeader(), new WardBanner(), new SessionBanner(), new WardWall()];
const announcer = new Announcer();
const sound = new Sound(header.soundButton);

document.body.replaceChildren(header, banner, sessionBanner, h("main", {}, wall), announcer.element);
onLook(() => header.putWords());

/** Read the lines of the last hour. */
async function loadTrends() {
  const now = ward.clock.now();
  if (now !== null) await trends.load(now);
}

connection.onOpened(loadTrends);
connection.onReadings((readings) => trends.add(readings));
const render = renderEach(ward, () => {
  document.title = t("page.title", { ward: ward.state?.name ?? "" });
  header.render(ward);
  banner.render(ward);
  sessionBanner.render();
  wall.render({
    ward,
    fresh: ward.link === "live" && !ward.blindSince,
    now: ward.clock.now(),
    limits: (patient) => limits.of(patient),
    trends,
  });
  announcer.render(ward);
  sound.render(ward);
  header.renderSound(sound.isHeard);
});
onSession(render);
limits.start();
connection.start();
followSession(ward.clock);
