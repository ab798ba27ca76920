/**
 * Texts of numbers, also absent ones, that are cut off by an element around them, or by the edge of the screen. Names may
 * be, and have numbers at times.
 */
() => {
  /** Tell if an element cuts off what lies outside it, in one direction; one that scrolls does not. */
  const clips = (style, axis) => {
    const overflow = style[axis === "x" ? "overflowX" : "overflowY"];
    return overflow === "hidden" || overflow === "clip" || /strict|content|paint/.test(style.contain);
  };

  const isCutOff = (rect, text) => {
    for (let each = text.parentElement; each; each = each.parentElement) {
      const style = getComputedStyle(each);
      if (style.display.startsWith("inline") && style.display !== "inline-block") continue;
      const box = each.getBoundingClientRect();
      // A pixel: glyphs have edges, and boxes halves of pixels.
      if (clips(style, "x") && (rect.left < box.left - 1 || rect.right > box.right + 1)) return true;
      if (clips(style, "y") && (rect.top < box.top - 1 || rect.bottom > box.bottom + 1)) return true;
    }
    return rect.left < -1 || rect.right > document.documentElement.clientWidth + 1;
  };

  const found = { numbers: 0, clipped: [] };
  const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    if (!/\d|- -/.test(text.data) || text.parentElement.matches(".name")) continue;
    if (!text.parentElement.checkVisibility({ visibilityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    // Width 1: it is there for screen readers alone.
    const rects = [...range.getClientRects()].filter((rect) => rect.width > 1);
    if (!rects.length) continue;
    found.numbers += 1;
    if (rects.some((rect) => isCutOff(rect, text))) {
      const bed = text.parentElement.closest("icu-bed")?.querySelector("a")?.getAttribute("aria-label");
      found.clipped.push(`${text.data} in <${text.parentElement.className}> of ${bed ?? "the page"}`);
    }
  }
  return found;
};
