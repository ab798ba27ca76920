/** The wall: all beds in a grid that fills the screen. */

import { urgency } from "../alarms/order.js";
import { h, setAttribute } from "../dom.js";
import { settings } from "../settings.js";
import { onLook } from "../theme.js";
import { t } from "../text/text.js";
import { BedTile } from "./bed-tile.js";
import { flashInPhase } from "./flashing.js";
import { layout } from "./layout.js";

/**
 * @typedef {import("../live/ward.js").Bed} Bed
 * @typedef {import("./bed-tile.js").Surroundings} Surroundings
 */

/** Milliseconds for which a hand or a focus in the grid keeps the order: a tile must not go from under a finger. */
const HOLD = 10_000;

export class WardWall extends HTMLElement {
  constructor() {
    super();
    /** @type {Map<string, BedTile>} */
    this._tiles = new Map();
    /** @type {HTMLElement[]} */
    this._free = [];
    this._held = 0;
    /** Tiles that the grid was chosen for. */
    this._fitted = 0;
    /** True once the free beds have words of another language. */
    this._stale = false;
    this._resized = new ResizeObserver(() => this._redraw());
  }

  connectedCallback() {
    this._resized.observe(this);
    for (const name of ["pointermove", "pointerdown", "focusin", "keydown"]) {
      this.addEventListener(name, () => (this._held = performance.now()));
    }
    onLook(() => this._redraw());
    flashInPhase(this);
  }

  /** @param {Surroundings} around */
  render(around) {
    const beds = around.ward.admitted;
    this._placeTiles(beds, around.ward.state?.beds ?? 0);
    for (const bed of beds) this._tiles.get(bed.patient.uuid)?.render(bed, around);
  }

  /**
   * @param {Bed[]} beds
   * @param {number} places of the ward
   */
  _placeTiles(beds, places) {
    const here = new Set(beds.map((bed) => bed.patient.uuid));
    for (const [uuid, tile] of this._tiles) {
      if (here.has(uuid)) continue;
      tile.remove();
      this._tiles.delete(uuid);
    }
    for (const uuid of here) if (!this._tiles.has(uuid)) this._tiles.set(uuid, new BedTile());
    this._placeFree(beds, places);
    this._order(beds);
    if (this.childElementCount !== this._fitted) this._fit();
  }

  /**
   * @param {Bed[]} beds
   * @param {number} places
   */
  _placeFree(beds, places) {
    const taken = new Set(beds.map((bed) => bed.patient.bed));
    const numbers = Array.from({ length: places }, (_, index) => String(index + 1));
    // Beds may have other names than numbers: no more free ones than there are places.
    const free = numbers.filter((number) => !taken.has(number)).slice(0, Math.max(0, places - beds.length));
    if (free.join() === this._free.map((each) => each.dataset.bed).join() && !this._stale) return;
    this._stale = false;
    for (const each of this._free) each.remove();
    this._free = free.map((bed) => h("div", { class: "free", "data-bed": bed }, h("span", {}, bed), t("bed.free")));
  }

  /** @param {Bed[]} beds */
  _order(beds) {
    if (this.childElementCount && this._tiles.size === this.querySelectorAll("icu-bed").length && this._isHeld()) return;
    const severity = settings().order === "severity";
    const entries = [
      ...beds.map((bed) => ({
        label: bed.patient.bed ?? "",
        severity: severity ? urgency(bed.alarms[0]) : 0,
        tile: /** @type {HTMLElement} */ (this._tiles.get(bed.patient.uuid)),
      })),
      ...this._free.map((tile) => ({ label: tile.dataset.bed ?? "", severity: severity ? -1 : 0, tile })),
    ];
    entries.sort((one, other) => other.severity - one.severity || compareBeds(one.label, other.label));
    this._move(entries.map(({ tile }) => tile));
  }

  /**
   * Move the tiles by their order in the grid, and in the document, for the keyboard. The one in focus stays in the
   * document, or it would lose the focus: the others move around it.
   *
   * @param {HTMLElement[]} tiles
   */
  _move(tiles) {
    if (tiles.every((tile, index) => this.children[index] === tile) && tiles.length === this.childElementCount) return;
    const focused = tiles.findIndex((tile) => tile.contains(document.activeElement));
    if (focused < 0) {
      this.replaceChildren(...tiles);
      return;
    }
    const fixed = /** @type {HTMLElement} */ (tiles[focused]);
    for (const each of [...this.children]) if (each !== fixed && !tiles.includes(/** @type {HTMLElement} */ (each))) each.remove();
    for (const tile of tiles.slice(0, focused)) this.insertBefore(tile, fixed);
    for (const tile of tiles.slice(focused + 1)) this.append(tile);
  }

  _isHeld() {
    const inside = this.matches(":hover") || this.contains(document.activeElement);
    return inside && performance.now() - this._held < HOLD;
  }

  _fit() {
    this._fitted = this.childElementCount;
    // What the header leaves of the screen: the wall's own height is that of its tiles once it scrolls.
    const height = innerHeight - this.getBoundingClientRect().top - scrollY;
    const { columns, rows, dense, scrolls } = layout(this.childElementCount, this.clientWidth, height);
    setAttribute(this, "data-dense", dense);
    setAttribute(this, "data-scrolls", scrolls);
    this.style.setProperty("--columns", String(columns));
    this.style.setProperty("--rows", String(rows));
  }

  _redraw() {
    this._stale = true;
    for (const each of this._tiles.values()) each.redraw();
    this._fit();
  }
}

customElements.define("icu-wall", WardWall);

const collator = new Intl.Collator(undefined, { numeric: true });

/**
 * Compare labels of beds as people count: 2 before 10.
 *
 * @param {string} one
 * @param {string} other
 */
export const compareBeds = (one, other) => collator.compare(one, other);
