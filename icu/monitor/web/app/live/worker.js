/** A shared worker: the pages of one browser share one stream, for it opens six connections to a server at most. */

import { Feed } from "./feed.js";

/** @type {Feed | undefined} */
let feed;

/** @type {Set<MessagePort>} */
const pages = new Set();

addEventListener("connect", (event) => {
  const port = /** @type {MessageEvent} */ (event).ports[0];
  if (port) welcome(port);
});

/** @param {MessagePort} port */
function welcome(port) {
  pages.add(port);
  port.onmessage = ({ data }) => {
    if (data.kind === "leave") pages.delete(port);
    if (data.kind !== "follow") return;
    feed ??= new Feed(data.address, tellAll);
    port.postMessage({ kind: "link", link: feed.link });
  };
}

/** @param {import("./feed.js").Message} message */
function tellAll(message) {
  for (const each of pages) each.postMessage(message);
}
