/** The wall: all beds in a grid that fills the screen. */

import { urgency } from "../alarms/order.js";
import { h, setAttribute, setText } from "../dom.js";
import { settings } from "../settings.js";
import { onLook } from "../theme.js";
import { t } from "../text/text.js";
import { BedTile } from "./bed-tile.js";
import { flashInPhase } from "./flashing.js";
import { layout } from "./layout.js";
import { OrderHold } from "./order-hold.js";

/**
 * @typedef {import("../live/ward.js").Bed} Bed
 * @typedef {import("./bed-tile.js").Surroundings} Surroundings
 */

export class WardWall extends HTMLElement {
  constructor() {
    super();
    /** @type {Map<string, BedTile>} */
    this._tiles = new Map();
    /** @type {HTMLElement[]} */
    this._free = [];
    this._hold = new OrderHold();
    /** Tiles that the grid was chosen for. */
    this._fitted = 0;
    /** True where tiles show numbers alone. */
    this._dense = false;
    /** Order that a person chose last. */
    this._chosen = settings().order;
    this._resized = new ResizeObserver(() => this._redraw());
  }

  connectedCallback() {
    this._resized.observe(this);
    onLook(() => this._redraw());
    flashInPhase(this);
  }

  /** @param {Surroundings} around */
  render(around) {
    const beds = around.ward.admitted;
    this._placeTiles(beds, around.ward.state?.beds ?? 0);
    for (const bed of beds) this._tiles.get(bed.patient.uuid)?.render(bed, around, !this._dense);
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
    if (free.join() !== this._free.map((each) => each.dataset.bed).join()) {
      for (const each of this._free) each.remove();
      this._free = free.map((bed) => h("div", { class: "free", "data-bed": bed }, h("span", {}, bed), h("span")));
    }
    for (const each of this._free) setText(/** @type {Element} */ (each.lastElementChild), t("bed.free"));
  }

  /** @param {Bed[]} beds */
  _order(beds) {
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
    const tiles = entries.map(({ tile }) => tile);
    if (!this._keepsOrder(tiles)) this._move(tiles);
  }

  /** @param {HTMLElement[]} tiles */
  _keepsOrder(tiles) {
    const isChosen = this._chosen !== settings().order;
    this._chosen = settings().order;
    if (isChosen) return false;
    const isSame = tiles.length === this.childElementCount && tiles.every((tile) => tile.parentElement === this);
    const moves = !tiles.every((tile, index) => this.children[index] === tile);
    // The browser is asked for the pointer's place only where it matters: it brings its styles up to date for that.
    return isSame && this._hold.keeps(moves, moves && (this.matches(":hover") || this.contains(document.activeElement)));
  }

  /**
   * Move the tiles by their order in the grid, and in the document, for the keyboard. The one in focus stays in the
   * document, or it would lose the focus: the others move around it.
   *
   * @param {HTMLElement[]} tiles
   */
  _move(tiles) {
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

  _fit() {
    this._fitted = this.childElementCount;
    // What the header leaves of the screen: the wall's own height is that of its tiles once it scrolls.
    const height = innerHeight - this.getBoundingClientRect().top - scrollY;
    const { columns, rows, dense, scrolls } = layout(this.childElementCount, this.clientWidth, height);
    this._dense = dense;
    setAttribute(this, "data-dense", dense);
    setAttribute(this, "data-scrolls", scrolls);
    this.style.setProperty("--columns", String(columns));
    this.style.setProperty("--rows", String(rows));
  }

  _redraw() {
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
