/**
 * The key in the address of a wall screen, `#key=...`. It leaves the address and the history at once, so this is the
 * first script of a page, and imports nothing. Servers and other sites never see it there: no request holds a fragment.
 */

const NAME = "key";

/** Key that the page was opened with; "" without one. */
export const KEY = read();

if (KEY) history.replaceState(null, "", location.pathname + location.search);

// Somebody changes the address of a page that is open.
addEventListener("hashchange", () => read() && location.reload());

function read() {
  return new URLSearchParams(location.hash.slice(1)).get(NAME) ?? "";
}
