/** Acknowledgement of an alarm. */

import { send } from "../api.js";
import { askAuthor } from "./author.js";
import { report } from "./report.js";

/**
 * Acknowledge an alarm as it is shown. One that has sounded again meanwhile is refused by the server.
 *
 * @param {import("../api.js").Alarm} alarm
 */
export async function acknowledge(alarm) {
  const by = await askAuthor();
  if (by) await report(send("POST", `alarms/${alarm.id}/acknowledge`, { by, seen: alarm.seen }));
}
