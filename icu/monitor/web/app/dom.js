/** Making and changing elements. */

/**
 * Make an element.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | boolean>} attributes true is an attribute without a value, false is none
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(made, name, value);
  made.append(...children);
  return made;
}

/**
 * Set the text of an element, and touch nothing where it is the same: each change costs a layout. A node of text that is
 * there already stays, for a new one costs more.
 *
 * @param {Element} element without other elements
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent === text) return;
  const node = element.firstChild;
  if (text && node instanceof Text) node.data = text;
  else element.textContent = text;
}

/**
 * Set an attribute, and touch nothing where it is the same.
 *
 * @param {Element} element
 * @param {string} name
 * @param {string | boolean} value true is an attribute without a value, false is none
 */
export function setAttribute(element, name, value) {
  if (value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : value;
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/**
 * Hide or show an element.
 *
 * @param {HTMLElement} element
 * @param {boolean} shown
 */
export function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}

/**
 * Hide or show an element that may have the focus. Where it is hidden, the next one has it, and not the whole page.
 *
 * @param {HTMLElement} element
 * @param {boolean} shown
 * @param {HTMLElement | null} next without one, the part of the page below its header
 */
export function showFocusable(element, shown, next = document.querySelector("main")) {
  if (!shown && next && element.contains(document.activeElement)) {
    // Only what is no link, button or field needs it.
    if (next.tabIndex < 0) next.tabIndex = -1;
    next.focus();
  }
  show(element, shown);
}
