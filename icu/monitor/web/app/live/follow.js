/** The stream for one page: that of the shared worker, or its own where the browser has no such workers. */

import { Feed } from "./feed.js";

/**
 * Follow the stream until the page is left.
 *
 * @param {string} address of the stream
 * @param {(message: import("./feed.js").Message) => void} receive
 */
export function follow(address, receive) {
  if (typeof SharedWorker === "undefined") {
    new Feed(address, receive);
    return;
  }
  const worker = new SharedWorker(new URL("./worker.js", import.meta.url), { type: "module", name: address });
  // A browser without modules in workers, or one that forbids them.
  worker.onerror = () => new Feed(address, receive);
  worker.port.onmessage = ({ data }) => receive(data);
  worker.port.postMessage({ kind: "follow", address });
  addEventListener("pagehide", () => worker.port.postMessage({ kind: "leave" }));
  // A page that comes back from the browser's cache has missed events, and has left the worker.
  addEventListener("pageshow", (event) => {
    if (/** @type {PageTransitionEvent} */ (event).persisted) location.reload();
  });
}
