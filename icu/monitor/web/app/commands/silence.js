/** Silence of all beds that sound now. */

import { send } from "../api.js";
import { askAuthor } from "./author.js";
import { report } from "./report.js";

/** Seconds. The server takes two minutes at most. */
const LENGTH = 120;

/** Silence the ward. A high alarm breaks through. */
export async function silenceWard() {
  const by = await askAuthor();
  if (by) await report(send("POST", "ward/silence", { by, seconds: LENGTH }));
}
